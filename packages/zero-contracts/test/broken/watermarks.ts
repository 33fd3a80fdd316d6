import { RevisionConflictError, type AdvanceOptions, type AdvanceResult, type Watermark } from '../../src/index.js';
import { MemoryData } from '../../src/memory.js';
import type { StoredRecord } from '../../src/memory/memory-data.js';
import { MemoryWatermarkService } from '../../src/memory/memory-watermark.service.js';
import { aMoment, type Broken, type MakeWatermarks } from './broken-backend.js';

type Data = Record<string, unknown>;

/** Changes every key on its way to the store. */
function withKeys(change: (key: string) => string): MakeWatermarks {
    return (data, logger) =>
        new (class extends MemoryWatermarkService {
            override set = (key: string, version: string, value?: Data) => super.set(change(key), version, value);
            override get = (key: string) => super.get(change(key));
            override delete = (key: string) => super.delete(change(key));
            override getMany = (keys: Iterable<string>) => super.getMany(Array.from(keys, change));
        })(data, logger);
}

export const brokenWatermarks: readonly Broken[] = [
    {
        defect: 'set without data leaves the old data in place',
        breaks: 'get and set: set replaces the version and the data, all of it',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async set(key: string, version: string, value?: Data) {
                    const before = (await super.get(key).catch(() => null))?.data;
                    await super.set(key, version, value ?? before);
                }
            })(data, logger)
    },
    {
        defect: 'reads give what the store itself holds',
        breaks: 'get and set: what get gives is the caller’s: changing it changes nothing that is stored',
        watermarks: (data, logger) => {
            const held = new Map<string, Watermark>();
            return new (class extends MemoryWatermarkService {
                override async get(key: string) {
                    const found = await super.get(key);
                    const known = held.get(key);
                    if (found === null || known?.revision === found.revision) {
                        return found === null ? null : (known ?? null);
                    }
                    held.set(key, found);
                    return found;
                }
            })(data, logger);
        }
    },
    {
        defect: 'data is read when the write is sent, not at the call',
        breaks: 'get and set: data is taken as it is at the call: what is changed later is not stored',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async set(key: string, version: string, value?: Data) {
                    await Promise.resolve();
                    return super.set(key, version, value);
                }
            })(data, logger)
    },
    {
        defect: 'the timestamp is when it was read',
        breaks: 'get and set: each write has a timestamp of its own, and reading does not change it',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async get(key: string) {
                    const found = await super.get(key);
                    return found === null ? null : { ...found, timestamp: Date.now() };
                }
            })(data, logger)
    },
    {
        defect: 'the timestamp is in seconds',
        breaks: 'get and set: the timestamp is when it was stored, in milliseconds',
        data: () => new MemoryData(() => Date.now() / 1_000)
    },
    {
        defect: 'each instance remembers what it has read',
        breaks: 'get and set: another instance sees what was acknowledged, at once',
        watermarks: (data, logger) => {
            const remembered = new Map<string, Watermark>();
            return new (class extends MemoryWatermarkService {
                override async get(key: string) {
                    const found = remembered.get(key) ?? (await super.get(key));
                    if (found !== null) {
                        remembered.set(key, found);
                    }
                    return found;
                }
                override async set(key: string, version: string, value?: Data) {
                    remembered.delete(key);
                    await super.set(key, version, value);
                }
            })(data, logger);
        }
    },
    {
        defect: 'of sets that overlap the first one wins',
        breaks: 'writes of one key that overlap: of sets that overlap the last call wins, with its own data',
        watermarks: (data, logger) => {
            const underWay = new Map<string, Promise<void>>();
            return new (class extends MemoryWatermarkService {
                override set(key: string, version: string, value?: Data) {
                    const running = underWay.get(key) ?? super.set(key, version, value);
                    underWay.set(key, running);
                    void running.finally(() => underWay.delete(key)).catch(() => {});
                    return running;
                }
            })(data, logger);
        }
    },
    {
        defect: 'writes of one key overtake each other',
        breaks: 'writes of one key that overlap: what is merged never lets an older version follow a newer one',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async set(key: string, version: string, value?: Data) {
                    await aMoment((Number(version) % 2) * 5);
                    return super.set(key, version, value);
                }
            })(data, logger)
    },
    {
        defect: 'data is given to JSON.stringify unseen',
        breaks: 'versions and data: data that would not come back is refused, with its path: a Date',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async set(key: string, version: string, value?: Data) {
                    return super.set(key, version, value && (JSON.parse(JSON.stringify(value)) as Data));
                }
            })(data, logger)
    },
    {
        defect: 'keys are trimmed',
        breaks: 'keys: any text is a key, and each is its own: spaces around',
        watermarks: withKeys(key => key.trim())
    },
    {
        defect: 'keys are compared without regard to case',
        breaks: 'keys: any text is a key, and each is its own: case',
        watermarks: withKeys(key => key.toLowerCase())
    },
    {
        defect: 'keys are normalised',
        breaks: 'keys: any text is a key, and each is its own: one composed, one decomposed',
        watermarks: withKeys(key => key.normalize())
    },
    {
        defect: 'keys end at a NUL',
        breaks: 'keys: any text is a key, and each is its own: control characters',
        watermarks: withKeys(key => key.split('\0', 1)[0] ?? '')
    },
    {
        defect: 'a bad key is thrown at once',
        breaks: 'keys: what is no well-formed text is refused as a key: get',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override get(key: string) {
                    encodeURIComponent(key);
                    return super.get(key);
                }
            })(data, logger)
    },
    {
        defect: 'a deleted key stays in getAll',
        breaks: 'delete: what was deleted is gone for every kind of read',
        watermarks: (data, logger) => {
            const all = new Map<string, Watermark>();
            return new (class extends MemoryWatermarkService {
                override async getAll() {
                    (await super.getAll()).forEach((watermark, key) => all.set(key, watermark));
                    return all;
                }
                override async delete(key: string) {
                    await this.getAll();
                    await super.delete(key);
                }
            })(data, logger);
        }
    },
    {
        defect: 'a key that comes back counts its revisions from the beginning',
        breaks: 'delete: a key that comes back has a revision above the one it had',
        data: () =>
            new (class extends MemoryData {
                readonly #revisions = new Map<string, number>();
                override write(key: string, text: string | null): StoredRecord {
                    const revision = text === null ? 0 : (this.#revisions.get(key) ?? 0) + 1;
                    this.#revisions.set(key, revision);
                    return { ...super.write(key, text), revision };
                }
            })()
    },
    {
        defect: 'clear forgets what it removes without a word',
        breaks: 'clear: watches see each of them deleted',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async clear() {
                    data.replaceBy(new MemoryData());
                }
            })(data, logger)
    },
    {
        defect: 'getMany gives the keys as the store holds them',
        breaks: 'getAll and getMany: getMany gives what is there, in the order in which it was asked for',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async getMany(keys: Iterable<string>) {
                    return super.getMany([...keys].toSorted());
                }
            })(data, logger)
    },
    {
        defect: 'create looks first and writes then',
        breaks: 'create: of many callers at once one wins, and the others learn its revision',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async create(key: string, version: string, value?: Data) {
                    const current = await super.get(key);
                    if (current !== null) {
                        throw new RevisionConflictError(key, null, current.revision);
                    }
                    await aMoment();
                    await super.set(key, version, value);
                    return (await super.get(key))?.revision ?? 0;
                }
            })(data, logger)
    },
    {
        defect: 'create takes the mark of a deletion for a watermark',
        breaks: 'create: takes a key that was deleted',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async create(key: string, version: string, value?: Data) {
                    const last = data.history(key).at(-1);
                    if (last !== undefined) {
                        throw new RevisionConflictError(key, null, last.revision);
                    }
                    return super.create(key, version, value);
                }
            })(data, logger)
    },
    {
        defect: 'compareAndSet looks first and writes then',
        breaks: 'compareAndSet: many callers at once lose no update',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async compareAndSet(key: string, expected: number, version: string, value?: Data) {
                    const current = await super.get(key);
                    if (current?.revision !== expected) {
                        throw new RevisionConflictError(key, expected, current?.revision ?? null);
                    }
                    await aMoment();
                    await super.set(key, version, value);
                    return (await super.get(key))?.revision ?? 0;
                }
            })(data, logger)
    },
    {
        defect: 'a conflict names the revision of a deletion',
        breaks: 'compareAndSet: a key that was deleted is at no revision',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async compareAndSet(key: string, expected: number, version: string, value?: Data) {
                    const last = data.history(key).at(-1);
                    if (last?.text === null) {
                        throw new RevisionConflictError(key, expected, last.revision);
                    }
                    return super.compareAndSet(key, expected, version, value);
                }
            })(data, logger)
    },
    {
        defect: 'advance takes equal for forward',
        breaks: 'advance: equal is not forward, also with other data',
        watermarks: advancingBy((a, b) => (a >= b ? 1 : -1))
    },
    {
        defect: 'advance compares as a language orders words',
        breaks: 'advance: the order is plain string order, as JavaScript and Zero compare',
        watermarks: advancingBy((a, b) => a.localeCompare(b))
    },
    {
        defect: 'advance compares UTF-8 bytes, as databases do',
        breaks: 'advance: the order is plain string order, as JavaScript and Zero compare',
        watermarks: advancingBy((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    },
    {
        defect: 'history is newest first',
        breaks: 'history: goes back as far as the backend says, oldest first, each as it was read then',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async history(key: string) {
                    return (await super.history(key)).toReversed();
                }
            })(data, logger)
    }
];

function advancingBy(byDefault: (a: string, b: string) => number): MakeWatermarks {
    return (data, logger) =>
        new (class extends MemoryWatermarkService {
            override advance(
                key: string,
                version: string,
                value?: Data,
                { compare = byDefault }: AdvanceOptions = {}
            ): Promise<AdvanceResult> {
                return super.advance(key, version, value, { compare });
            }
        })(data, logger);
}
