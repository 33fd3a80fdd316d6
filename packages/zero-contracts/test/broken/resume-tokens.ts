import { versionFromLexi, WatermarkError, WatermarkErrorCode, type ResumePoint } from '../../src/index.js';
import { MemoryData } from '../../src/memory.js';
import { MemoryResumeTokenService } from '../../src/memory/memory-resume-token.service.js';
import { aMoment, type Broken } from './broken-backend.js';

export const brokenResumeTokens: readonly Broken[] = [
    {
        defect: 'a token is looked for first and stored then',
        breaks: 'one watermark a token: many callers of one token at once get one watermark',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async getOrCreateWatermark(shardId: string, token: string) {
                    const isKnown = data.shard(shardId).find(token) !== undefined;
                    await aMoment();
                    return isKnown ? super.getOrCreateWatermark(shardId, token) : super.beginSync(shardId, token);
                }
            })(data, options)
    },
    {
        defect: 'calls overtake each other',
        breaks: 'one watermark a token: calls that overlap get watermarks in their order',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async getOrCreateWatermark(shardId: string, token: string) {
                    await aMoment(token.endsWith('7') ? 5 : 0);
                    return super.getOrCreateWatermark(shardId, token);
                }
            })(data, options)
    },
    {
        defect: 'watermarks are plain numbers',
        breaks: 'one watermark a token: a watermark is a LexiVersion, and the same token gets it again',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async getOrCreateWatermark(shardId: string, token: string) {
                    return String(versionFromLexi(await super.getOrCreateWatermark(shardId, token)));
                }
            })(data, options)
    },
    {
        defect: 'a group is stored in the order of its tokens',
        breaks: 'one watermark a token: many at once: new ones, known ones and the same one twice',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async getOrCreateWatermarks(shardId: string, tokens: readonly string[]) {
                    return (await super.getOrCreateWatermarks(shardId, [...tokens].toReversed())).toReversed();
                }
            })(data, options)
    },
    {
        defect: 'tokens are trimmed',
        breaks: 'one watermark a token: any text is a token, and each has its own watermark: spaces and case',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override getOrCreateWatermarks(shardId: string, tokens: readonly string[]) {
                    return super.getOrCreateWatermarks(
                        shardId,
                        tokens.map(token => token.trim() || token)
                    );
                }
            })(data, options)
    },
    {
        defect: 'each instance counts for itself',
        breaks: 'one watermark a token: another instance gets the same, and turns it back',
        resumeTokens: (_, options) => new MemoryResumeTokenService(new MemoryData(), options)
    },
    {
        defect: 'shards are compared without regard to case',
        breaks: 'shards: any text is a shard, and none touches another',
        data: () =>
            new (class extends MemoryData {
                override shard = (shardId: string) => super.shard(shardId.toLowerCase());
            })()
    },
    {
        defect: 'a group is stored up to its bad token',
        breaks: 'shards: a resume token that is none is refused, and nothing is stored: getOrCreateWatermarks',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async getOrCreateWatermarks(shardId: string, tokens: readonly string[]) {
                    const watermarks: string[] = [];
                    for (const token of tokens) {
                        watermarks.push(...(await super.getOrCreateWatermarks(shardId, [token])));
                    }
                    return watermarks;
                }
            })(data, options)
    },
    {
        defect: 'an unknown watermark means: begin now',
        breaks: 'getResumeToken and resume: what was never given is unknown, and asking changes nothing: no LexiVersion',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async resume(shardId: string, watermark: string | undefined): Promise<ResumePoint> {
                    const point = await super.resume(shardId, watermark);
                    return point.kind === 'reset-required' ? { kind: 'initial-sync' } : point;
                }
            })(data, options)
    },
    {
        defect: 'a watermark is looked up by its number alone',
        breaks: 'getResumeToken and resume: a watermark of the same number for another token is unknown',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async resume(shardId: string, watermark: string | undefined): Promise<ResumePoint> {
                    const point = await super.resume(shardId, watermark);
                    const number = point.kind === 'reset-required' && /^[0-9a-z]+$/.test(watermark ?? '');
                    const sequence = number ? Number(versionFromLexi(watermark ?? '') >> 12n) : Infinity;
                    const [at] = data.shard(shardId).from(sequence);
                    return at?.sequence === sequence ? { kind: 'resume', resumeToken: at.resumeToken } : point;
                }
            })(data, options)
    },
    {
        defect: 'a watermark with a minor is none',
        breaks: 'getResumeToken and resume: of a major.minor watermark the major counts',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async getResumeToken(shardId: string, watermark: string) {
                    versionFromLexi(watermark);
                    return super.getResumeToken(shardId, watermark);
                }
            })(data, options)
    },
    {
        defect: 'a sync gets the watermark of its token',
        breaks: 'head and beginSync: beginSync gives a new one each time, also for a token that has one',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override beginSync(shardId: string, token: string) {
                    return super.getOrCreateWatermark(shardId, token);
                }
            })(data, options)
    },
    {
        defect: 'the head is the newest change, whatever syncs there are',
        breaks: 'head and beginSync: beginSync gives a LexiVersion above all before it, which is the head',
        resumeTokens: (data, options) => {
            const heads = new Map<string, string>();
            return new (class extends MemoryResumeTokenService {
                override async getOrCreateWatermarks(shardId: string, tokens: readonly string[]) {
                    const watermarks = await super.getOrCreateWatermarks(shardId, tokens);
                    heads.set(shardId, watermarks.at(-1) ?? '');
                    return watermarks;
                }
                override async head(shardId: string) {
                    const watermark = heads.get(shardId);
                    const resumeToken = watermark && (await super.getResumeToken(shardId, watermark));
                    return watermark && resumeToken ? { watermark, resumeToken } : super.head(shardId);
                }
            })(data, options);
        }
    },
    {
        defect: 'retainTokens is not looked at',
        breaks: 'acknowledge: what retainTokens keeps stays, and all that is newer',
        resumeTokens: (data, options) => new MemoryResumeTokenService(data, { ...options, retainTokens: 0 })
    },
    {
        defect: 'retainMs is not looked at',
        breaks: 'acknowledge: without options what was just acknowledged takes nothing away yet',
        resumeTokens: (data, options) =>
            new MemoryResumeTokenService(data, { ...options, retainTokens: 0, retainMs: 0 })
    },
    {
        defect: 'whatever is acknowledged is believed',
        breaks: 'acknowledge: what was never given is logged, and removes nothing',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async acknowledge(shardId: string, watermark: string) {
                    await super.acknowledge(shardId, watermark);
                    data.shard(shardId).removeBelow(data.shard(shardId).last);
                }
            })(data, options)
    },
    {
        defect: 'a shard that is abandoned begins anew from its first number',
        breaks: 'abandon and clear: new watermarks are above all that were given, those of old tokens too',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async abandon(shardId: string) {
                    data.shard(shardId).goOnAt(data.shard(shardId).first);
                }
            })(data, options)
    },
    {
        defect: 'an instance remembers for ever what it gave',
        breaks: 'abandon and clear: who has given something new remembers nothing that was abandoned',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                readonly #given = new Map<string, string>();

                override async getOrCreateWatermarks(shardId: string, tokens: readonly string[]) {
                    const watermarks = await super.getOrCreateWatermarks(shardId, tokens);
                    watermarks.forEach((watermark, index) => this.#given.set(tokens[index] ?? '', watermark));
                    return watermarks;
                }

                override async getOrCreateWatermark(shardId: string, token: string) {
                    return this.#given.get(token) ?? super.getOrCreateWatermark(shardId, token);
                }
            })(data, options)
    },
    {
        defect: 'abandon keeps the tokens’ watermarks',
        breaks: 'abandon and clear: every watermark given so far resumes with a reset',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override abandon = async () => {};
            })(data, options)
    },
    {
        defect: 'clear knows only the shards that this instance has used',
        breaks: 'abandon and clear: clear abandons what other instances have stored',
        resumeTokens: (data, options) => {
            const used = new Set<string>();
            return new (class extends MemoryResumeTokenService {
                override getOrCreateWatermarks(shardId: string, tokens: readonly string[]) {
                    used.add(shardId);
                    return super.getOrCreateWatermarks(shardId, tokens);
                }
                override async clear() {
                    await Promise.all([...used].map(shardId => this.abandon(shardId)));
                }
            })(data, options);
        }
    },
    {
        defect: 'a new shard counts from one',
        breaks: 'lost history: what was removed behind its back resumes with a reset, and is never given again',
        data: () => new MemoryData(() => 0)
    },
    {
        defect: 'what was lost asks for a reset, and its numbers are given again',
        breaks: 'lost history: after that no number is given again, and every old one asks for a reset',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async resume(shardId: string, watermark: string | undefined) {
                    const before = data.copy();
                    const point = await super.resume(shardId, watermark);
                    data.replaceBy(before);
                    return point;
                }
            })(data, options)
    },
    {
        defect: 'an instance does not notice that history was lost under it',
        breaks: 'lost history: an instance that loses history while it runs gives no number again',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override getOrCreateWatermark(shardId: string, token: string) {
                    return new MemoryResumeTokenService(data, options).getOrCreateWatermark(shardId, token);
                }
            })(data, options)
    },
    {
        defect: 'a call that fails lets those behind it through',
        breaks: 'compareResumeTokens: the calls before the one that is refused get theirs; those after it fail',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override getOrCreateWatermark(shardId: string, token: string) {
                    return new MemoryResumeTokenService(data, options).getOrCreateWatermark(shardId, token);
                }
            })(data, options)
    },
    {
        defect: 'assignWatermarks takes from the source as fast as it gives',
        breaks: 'assignWatermarks: no more is taken from the source than maxInFlight beyond what was handed out',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async *assignWatermarks<T>(...[shardId, changes, settings]: AssignArguments<T>) {
                    const taken: T[] = [];
                    for await (const change of changes) {
                        taken.push(change);
                    }
                    const all = (async function* () {
                        yield* taken;
                    })();
                    yield* super.assignWatermarks(shardId, all, settings);
                }
            })(data, options)
    },
    {
        defect: 'assignWatermarks ends without a word when a token is refused',
        breaks: 'assignWatermarks: a token that is none ends it with the error of the service',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async *assignWatermarks<T>(...args: AssignArguments<T>) {
                    try {
                        yield* super.assignWatermarks(...args);
                    } catch (error) {
                        if (!(error instanceof WatermarkError) || error.code === WatermarkErrorCode.OUT_OF_ORDER) {
                            throw error;
                        }
                    }
                }
            })(data, options)
    }
];

type AssignArguments<T> = Parameters<typeof MemoryResumeTokenService.prototype.assignWatermarks<T>>;
