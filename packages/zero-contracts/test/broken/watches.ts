import type { Watermark, WatermarkEvent, WatchAllOptions, WatchOptions } from '../../src/index.js';
import { MemoryWatermarkService } from '../../src/memory/memory-watermark.service.js';
import { aMoment, type Broken, type MakeWatermarks } from './broken-backend.js';

type Callback = (watermark: Watermark) => void;

/** Hands a watch's callback to the store in another form. */
function watchingBy(wrap: (callback: Callback, key: string) => Callback): MakeWatermarks {
    return (data, logger) =>
        new (class extends MemoryWatermarkService {
            override watch(key: string, callback: Callback, options?: WatchOptions) {
                return super.watch(key, wrap(callback, key), options);
            }
        })(data, logger);
}

/** Passes on what `watchAll` tells, in another form. */
function watchingAllBy(
    tell: (events: AsyncIterable<WatermarkEvent>, options: WatchAllOptions) => AsyncIterable<WatermarkEvent>,
    ask: (options: WatchAllOptions) => WatchAllOptions = options => options
): MakeWatermarks {
    return (data, logger) =>
        new (class extends MemoryWatermarkService {
            override async *watchAll(options: WatchAllOptions = {}) {
                yield* tell(super.watchAll(ask(options)), options);
            }
        })(data, logger);
}

export const brokenWatches: readonly Broken[] = [
    {
        defect: 'a watch begins a moment after it was said to have begun',
        breaks: 'watch: once it has resolved, no later write is missed',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async watch(key: string, callback: Callback, options?: WatchOptions) {
                    const watching = aMoment(5).then(() => super.watch(key, callback, options));
                    return () => void watching.then(unwatch => unwatch());
                }
            })(data, logger)
    },
    {
        defect: 'a watch begins with what is there, asked or not',
        breaks: 'watch: does not tell of what was there before',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override watch(key: string, callback: Callback, options?: WatchOptions) {
                    return super.watch(key, callback, { ...options, includeCurrent: true });
                }
            })(data, logger)
    },
    {
        defect: 'a watch hears of all keys that begin with its own',
        breaks: 'watch: tells of no other key',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async watch(key: string, callback: Callback) {
                    const stop = new AbortController();
                    const events = super.watchAll({ prefix: key, signal: stop.signal })[Symbol.asyncIterator]();
                    const loop = async (next: Promise<IteratorResult<WatermarkEvent>>): Promise<void> => {
                        const { value, done } = await next;
                        if (done !== true) {
                            if (value.type === 'set') {
                                callback(value.watermark);
                            }
                            await loop(events.next());
                        }
                    };
                    void loop(events.next());
                    return () => stop.abort();
                }
            })(data, logger)
    },
    {
        defect: 'a watch ends only in the store: calls that are on their way still come',
        breaks: 'watch: a callback can end its own watch, with more changes on their way',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async watch(key: string, callback: Callback, options?: WatchOptions) {
                    const unwatch = await super.watch(key, callback, options);
                    return () => void aMoment(5).then(unwatch);
                }
            })(data, logger)
    },
    {
        defect: 'revisions are told out of order',
        breaks: 'watch: of a burst of writes the last state is told, and revisions never go back',
        watermarks: watchingBy(callback => async watermark => {
            await aMoment((watermark.revision % 2) * 5);
            callback(watermark);
        })
    },
    {
        defect: 'the last change of a burst is not told',
        breaks: 'watch: of a burst of writes the last state is told, and revisions never go back',
        watermarks: watchingBy(callback => {
            let quietUntil = 0;
            return watermark => {
                if (performance.now() >= quietUntil) {
                    quietUntil = performance.now() + 2;
                    callback(watermark);
                }
            };
        })
    },
    {
        defect: 'a callback that throws ends its watch',
        breaks: 'watch callbacks that fail: a callback that throws is logged, with the key, and the watch goes on',
        watermarks: watchingBy(callback => {
            let failed = false;
            return watermark => {
                try {
                    return failed ? undefined : callback(watermark);
                } catch (error) {
                    failed = true;
                    throw error;
                }
            };
        })
    },
    {
        defect: 'what a callback rejects with is dropped',
        breaks: 'watch callbacks that fail: a callback that rejects is logged, with the key, and the watch goes on',
        watermarks: watchingBy(callback => watermark => {
            const result: unknown = callback(watermark);
            if (result instanceof Promise) {
                result.catch(() => {});
            }
        })
    },
    {
        defect: 'callbacks share one watermark',
        breaks: 'watch: what a callback does to a watermark, no other callback and no reader sees',
        watermarks: (data, logger) => {
            const told = new Map<number, Watermark>();
            return new (class extends MemoryWatermarkService {
                override watch(key: string, callback: Callback, options?: WatchOptions) {
                    const sharing = (watermark: Watermark) => {
                        const shared = told.get(watermark.revision) ?? watermark;
                        told.set(watermark.revision, shared);
                        callback(shared);
                    };
                    return super.watch(key, sharing, options);
                }
            })(data, logger);
        }
    },
    {
        defect: 'nobody says that all that is there was told',
        breaks: 'watchAll: where nothing is there, that is said at once',
        watermarks: watchingAllBy(async function* (events) {
            for await (const event of events) {
                if (event.type !== 'current-complete') {
                    yield event;
                }
            }
        })
    },
    {
        defect: 'a prefix is a pattern',
        breaks: 'watchAll: a prefix is taken literally, whatever is in it',
        watermarks: watchingAllBy(
            async function* (events, { prefix = '' }) {
                const pattern = new RegExp(`^${prefix.replaceAll('%', '.*').replaceAll('_', '.')}`);
                for await (const event of events) {
                    const key =
                        event.type === 'set' ? event.watermark.key : event.type === 'delete' ? event.key : prefix;
                    if (pattern.test(key)) {
                        yield event;
                    }
                }
            },
            options => ({ ...options, prefix: '' })
        )
    },
    {
        defect: 'a signal is looked at only when something comes',
        breaks: 'watchAll: a signal ends it while it waits, without an error',
        watermarks: watchingAllBy(
            async function* (events, { signal }) {
                for await (const event of events) {
                    if (signal?.aborted === true) {
                        return;
                    }
                    yield event;
                }
            },
            ({ signal: _, ...options }) => options
        )
    },
    {
        defect: 'deletions are not told',
        breaks: 'watchAll: changes of all keys come in the order of their revisions, deletions among them',
        watermarks: watchingAllBy(async function* (events) {
            for await (const event of events) {
                if (event.type !== 'delete') {
                    yield event;
                }
            }
        })
    },
    {
        defect: 'a closed service still answers',
        breaks: 'close, and opening again: after close every call is refused',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override close = async () => {};
            })(data, logger)
    },
    {
        defect: 'close drops what is under way, and calls it stored',
        breaks: 'close, and opening again: a write that resolved during close is stored',
        watermarks: (data, logger) => {
            let closed = false;
            return new (class extends MemoryWatermarkService {
                override async set(key: string, version: string, value?: Record<string, unknown>) {
                    await Promise.resolve();
                    await (closed ? undefined : super.set(key, version, value));
                }
                override close() {
                    closed = true;
                    return super.close();
                }
            })(data, logger);
        }
    },
    {
        defect: 'one bad record fails getAll',
        breaks: 'records that this library did not write: getAll leaves it out, has all others, and logs it',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async getAll() {
                    return super.getMany(data.all().map(({ key }) => key));
                }
            })(data, logger)
    }
];
