import {
    Acknowledgements,
    type AddedPairs,
    aheadOfHead,
    CallsUnderWay,
    checkLastWatermark,
    checkList,
    checkPlace,
    checkResumeToken,
    checkSamePair,
    checkShardId,
    checkWatermark,
    exportTokens,
    foreignWatermark,
    historyLost,
    type ImportedPair,
    importPairs,
    importUnfinished,
    majorOf,
    microsecondsAfter,
    notAfterHead,
    notSentBehind,
    positionOf,
    pruned,
    quoted,
    unknownWatermark,
    watermarkOf
} from '../backend.js';
import {
    type ExportLines,
    type ExportResumeTokensOptions,
    type ImportResumeTokensReport,
    type LexiVersion,
    type ResumePoint,
    ResumeTokenService,
    type ShardHead,
    type WatermarkLogger
} from '../index.js';
import type { MemoryData } from './memory-data.js';
import type { TokenList } from './token-list.js';

/** What a {@link MemoryResumeTokenService} is told. */
export interface MemoryTokenOptions {
    readonly logger: WatermarkLogger;
    readonly retainTokens: number;
    readonly retainMs: number;
    readonly compareResumeTokens: ((a: string, b: string) => number) | undefined;
}

/** {@link ResumeTokenService} in the memory of this process. */
export class MemoryResumeTokenService extends ResumeTokenService {
    readonly #data: MemoryData;
    readonly #options: MemoryTokenOptions;
    readonly #calls = new CallsUnderWay();
    /** The last call of each shard that is under way and stores something. */
    readonly #lastCalls = new Map<string, Promise<unknown>>();
    /** The highest sequence that this service has seen in each shard: what is new must be above. */
    readonly #highest = new Map<string, number>();
    readonly #acknowledgements = new Map<string, Acknowledgements>();

    constructor(data: MemoryData, options: MemoryTokenOptions) {
        super();
        this.#data = data;
        this.#options = options;
    }

    override async getOrCreateWatermark(shardId: string, resumeToken: string): Promise<LexiVersion> {
        const [watermark = ''] = await this.getOrCreateWatermarks(shardId, [resumeToken]);
        return watermark;
    }

    override getOrCreateWatermarks(shardId: string, resumeTokens: readonly string[]): Promise<LexiVersion[]> {
        return this.#calls.run(async () => {
            this.#usable(shardId);
            const tokens = checkList('resumeTokens', resumeTokens).map(checkResumeToken);
            return this.#inOrder(shardId, () => tokens.map(token => this.#findOrStore(shardId, token)));
        });
    }

    override beginSync(shardId: string, resumeToken: string): Promise<LexiVersion> {
        return this.#calls.run(async () => {
            this.#usable(shardId);
            checkResumeToken(resumeToken);
            return this.#inOrder(shardId, () => this.#store(shardId, resumeToken, true));
        });
    }

    override getResumeToken(shardId: string, watermark: LexiVersion): Promise<string | undefined> {
        return this.#calls.run(async () => {
            const major = checkWatermark(watermark);
            return this.#usable(shardId).of(major)?.resumeToken;
        });
    }

    override resume(shardId: string, lastWatermark: LexiVersion | undefined): Promise<ResumePoint> {
        return this.#calls.run(async () => {
            const shard = this.#usable(shardId);
            const watermark = checkLastWatermark(lastWatermark);
            if (watermark === undefined) {
                return { kind: 'initial-sync' };
            }
            const name = nameOf(shardId);
            const token = shard.of(majorOf(watermark) ?? '');
            if (token !== undefined) {
                return { kind: 'resume', resumeToken: token.resumeToken };
            }
            const position = positionOf(watermark);
            if (position === undefined) {
                return foreignWatermark(name, watermark);
            }
            if (position.sequence < shard.first) {
                return pruned(name, watermark, 'the data was made anew');
            }
            if (position.sequence <= shard.last) {
                return unknownWatermark(name, watermark, 'another resume token stands where it points');
            }
            if (position.sequence > microsecondsAfter(this.#data.clock())) {
                return unknownWatermark(name, watermark, 'it is later than the clock');
            }
            this.#fence(shardId, position.sequence);
            return aheadOfHead(name, watermark, 'the data was replaced by older data');
        });
    }

    override acknowledge(shardId: string, watermark: LexiVersion): Promise<void> {
        return this.#calls.run(async () => this.#acknowledgementsOf(checkShardId(shardId)).note(watermark));
    }

    override abandon(shardId: string): Promise<void> {
        return this.#calls.run(async () => this.#fence(checkShardId(shardId), 0));
    }

    override clear(): Promise<void> {
        return this.#calls.run(async () => this.#data.shardIds().forEach(shardId => this.#fence(shardId, 0)));
    }

    override head(shardId: string): Promise<ShardHead | null> {
        return this.#calls.run(async () => {
            const head = this.#usable(shardId).head();
            return head === undefined ? null : { watermark: head.watermark, resumeToken: head.resumeToken };
        });
    }

    override provision(shardIds: readonly string[]): Promise<void> {
        return this.#calls.run(async () => {
            const checked = checkList('shardIds', shardIds).map(checkShardId);
            checked.forEach(shardId => this.#data.shard(shardId));
        });
    }

    override exportWatermarks(options?: ExportResumeTokensOptions): AsyncIterable<string> {
        const source = {
            shardIds: () => this.#calls.run(async () => this.#data.shardIds()),
            newest: (shardId: string) => this.#calls.run(async () => this.#usable(shardId).head()?.sequence),
            page: (shardId: string, from: number) => this.#calls.run(async () => this.#usable(shardId).from(from))
        };
        return exportTokens(source, options);
    }

    override importWatermarks(lines: ExportLines): Promise<ImportResumeTokensReport> {
        return importPairs(lines, {
            add: (shardId, pairs) => this.#calls.run(async () => this.#import(shardId, pairs)),
            complete: shardId => this.#calls.run(async () => this.#completeImport(shardId))
        });
    }

    override async close(): Promise<void> {
        await this.#calls.close();
        this.#acknowledgements.forEach(acknowledgements => acknowledgements.stop());
    }

    /** Runs the calls of a shard one after another; one that fails fails those that wait behind it. */
    #inOrder<T>(shardId: string, store: () => T): Promise<T> {
        const before = this.#lastCalls.get(shardId) ?? Promise.resolve();
        const call = before.then(store, (cause: unknown) => {
            throw notSentBehind(cause);
        });
        this.#lastCalls.set(shardId, call);
        const forget = () => this.#lastCalls.get(shardId) === call && this.#lastCalls.delete(shardId);
        call.then(forget, forget);
        return call;
    }

    #findOrStore(shardId: string, resumeToken: string): LexiVersion {
        const shard = this.#data.shard(shardId);
        const token = shard.find(resumeToken);
        if (token !== undefined) {
            return token.watermark;
        }
        const { compareResumeTokens } = this.#options;
        const head = shard.head();
        if (
            head !== undefined &&
            compareResumeTokens !== undefined &&
            !(compareResumeTokens(resumeToken, head.resumeToken) > 0)
        ) {
            throw notAfterHead(nameOf(shardId));
        }
        return this.#store(shardId, resumeToken, false);
    }

    #store(shardId: string, resumeToken: string, isSync: boolean): LexiVersion {
        const shard = this.#data.shard(shardId);
        const highest = this.#highest.get(shardId) ?? 0;
        if (shard.last < highest) {
            this.#fence(shardId, highest);
            throw historyLost(
                `${nameOf(shardId)} ends before ${highest}, which it had given out: the data was replaced`
            );
        }
        const { sequence, watermark } = shard.add(resumeToken, isSync);
        this.#highest.set(shardId, sequence);
        return watermark;
    }

    /** Empties the shard and lets it go on above everything that it may ever have given out. */
    #fence(shardId: string, above: number): void {
        const shard = this.#data.shard(shardId);
        const sequence = Math.max(microsecondsAfter(Math.floor(this.#data.clock())), shard.last + 1, above + 1);
        shard.goOnAt(sequence);
        this.#highest.set(shardId, sequence - 1);
    }

    /** Stores those of the pairs that are not there. */
    #import(shardId: string, pairs: readonly ImportedPair[]): AddedPairs {
        const shard = this.#data.shard(shardId);
        const name = nameOf(shardId);
        const missing = pairs.filter(pair => {
            const there = pair.sync ? shard.of(pair.watermark) : shard.find(pair.resumeToken);
            if (there !== undefined) {
                checkSamePair(name, pair, there);
            }
            return there === undefined;
        });
        if (missing.length > 0) {
            checkPlace(name, missing, shard.head(), shard.importMark?.below);
            if (shard.importMark === undefined) {
                this.#fence(shardId, 0);
            }
            const below = shard.importMark?.below ?? watermarkOf(shard.first, 0);
            checkPlace(name, missing, undefined, below);
            shard.importMark = { state: 'begun', below };
            missing.forEach(({ resumeToken, sync, watermark }) => shard.add(resumeToken, sync, watermark));
        }
        return { created: missing.length, below: shard.importMark?.below };
    }

    #completeImport(shardId: string): LexiVersion | undefined {
        const shard = this.#data.shard(shardId);
        shard.importMark = shard.importMark && { ...shard.importMark, state: 'complete' };
        return shard.importMark?.below;
    }

    /** The shard, unless an import of it has begun and not ended. */
    #usable(shardId: string): TokenList {
        const shard = this.#data.shard(checkShardId(shardId));
        if (shard.importMark?.state === 'begun') {
            throw importUnfinished(nameOf(shardId));
        }
        return shard;
    }

    #acknowledgementsOf(shardId: string): Acknowledgements {
        let acknowledgements = this.#acknowledgements.get(shardId);
        if (acknowledgements === undefined) {
            acknowledgements = new Acknowledgements({
                ...this.#options,
                shard: nameOf(shardId),
                sequenceOf: async watermark => this.#usable(shardId).of(watermark)?.sequence,
                removeBelow: async sequence => this.#data.shard(shardId).removeBelow(sequence)
            });
            this.#acknowledgements.set(shardId, acknowledgements);
        }
        return acknowledgements;
    }
}

function nameOf(shardId: string): string {
    return `Shard ${quoted(shardId)}`;
}
