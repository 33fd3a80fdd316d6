import {
    type ExportLines,
    type ExportResumeTokensOptions,
    ImportError,
    type ImportResumeTokensReport,
    type LexiVersion,
    type ResumePoint,
    ResumeTokenService,
    type ShardHead,
    WatermarkError,
    WatermarkErrorCode
} from '@cbnsndwch/zero-contracts';
import {
    CallsUnderWay,
    checkLastWatermark,
    checkList,
    checkResumeToken,
    checkShardId,
    checkWatermark,
    type ExportSource,
    exportTokens,
    importPairs
} from '@cbnsndwch/zero-contracts/backend';

import type { ResolvedZqliteOptions } from './options.js';
import { Shard } from './shard.js';
import type { StoreDatabase } from './store-database.js';
import type { Writer } from './writer.js';

const LARGER_VALUES = { remediation: 'Raise maxValueSizeBytes.' };

/** {@link ResumeTokenService} in an SQLite file. */
export class ZqliteResumeTokenService extends ResumeTokenService {
    readonly #database: StoreDatabase;
    readonly #writer: Writer;
    readonly #options: ResolvedZqliteOptions;
    readonly #shards = new Map<string, Shard>();
    readonly #calls = new CallsUnderWay();

    constructor(database: StoreDatabase, writer: Writer, options: ResolvedZqliteOptions) {
        super();
        this.#database = database;
        this.#writer = writer;
        this.#options = options;
    }

    override getOrCreateWatermark(shardId: string, resumeToken: string): Promise<LexiVersion> {
        return this.#call(shardId, shard => shard.watermarkFor(this.#storable(resumeToken)));
    }

    override getOrCreateWatermarks(shardId: string, resumeTokens: readonly string[]): Promise<LexiVersion[]> {
        return this.#call(shardId, shard =>
            shard.watermarksFor(checkList('resumeTokens', resumeTokens).map(resumeToken => this.#storable(resumeToken)))
        );
    }

    override getResumeToken(shardId: string, watermark: LexiVersion): Promise<string | undefined> {
        return this.#call(shardId, async shard => {
            const major = checkWatermark(watermark);
            return shard.tokenOf(major);
        });
    }

    override resume(shardId: string, lastWatermark: LexiVersion | undefined): Promise<ResumePoint> {
        return this.#call(shardId, shard => shard.resume(checkLastWatermark(lastWatermark)));
    }

    override beginSync(shardId: string, resumeToken: string): Promise<LexiVersion> {
        return this.#call(shardId, shard => shard.beginSync(this.#storable(resumeToken)));
    }

    override acknowledge(shardId: string, watermark: LexiVersion): Promise<void> {
        return this.#call(shardId, async shard => shard.acknowledge(watermark));
    }

    override abandon(shardId: string): Promise<void> {
        return this.#call(shardId, shard => shard.fence());
    }

    override clear(): Promise<void> {
        return this.#calls.run(async () => {
            for (const shardId of await this.#shardIds()) {
                await this.#shard(shardId).fence();
            }
        });
    }

    override head(shardId: string): Promise<ShardHead | null> {
        return this.#call(shardId, shard => shard.head());
    }

    override async provision(shardIds: readonly string[]): Promise<void> {
        const checked = checkList('shardIds', shardIds).map(checkShardId);
        await Promise.all(checked.map(shardId => this.#call(shardId, shard => shard.provision())));
    }

    override exportWatermarks(options?: ExportResumeTokensOptions): AsyncIterable<string> {
        const source: ExportSource = {
            shardIds: () => this.#calls.run(() => this.#shardIds()),
            newest: shardId => this.#call(shardId, shard => shard.newest()),
            page: (shardId, from) => this.#call(shardId, shard => shard.tokensFrom(from))
        };
        return exportTokens(source, options);
    }

    override importWatermarks(lines: ExportLines): Promise<ImportResumeTokensReport> {
        return importPairs(lines, {
            add: (shardId, pairs) =>
                this.#call(shardId, shard => {
                    for (const { line, resumeToken } of pairs) {
                        const problem = this.#sizeProblem(resumeToken);
                        if (problem !== undefined) {
                            throw new ImportError(
                                WatermarkErrorCode.VALUE_TOO_LARGE,
                                line,
                                `its ${problem}`,
                                LARGER_VALUES
                            );
                        }
                    }
                    return shard.import(pairs);
                }),
            complete: shardId => this.#call(shardId, shard => shard.completeImport())
        });
    }

    override async close(): Promise<void> {
        await this.#calls.close();
        this.#shards.forEach(shard => shard.stop());
    }

    #shardIds(): Promise<readonly string[]> {
        return this.#database.read(({ tokens }) => tokens.shardIds());
    }

    #call<T>(shardId: string, run: (shard: Shard) => Promise<T>): Promise<T> {
        return this.#calls.run(() => run(this.#shard(checkShardId(shardId))));
    }

    #shard(shardId: string): Shard {
        const known = this.#shards.get(shardId);
        if (known !== undefined) {
            return known;
        }
        const { logger, retainTokens, retainMs, compareResumeTokens } = this.#options;
        const options = { shardId, logger, retainTokens, retainMs, compareResumeTokens };
        const shard = new Shard(this.#database, this.#writer, options);
        this.#shards.set(shardId, shard);
        return shard;
    }

    /** Gives the token back if it can be stored. */
    #storable(resumeToken: string): string {
        const problem = this.#sizeProblem(checkResumeToken(resumeToken));
        if (problem !== undefined) {
            throw new WatermarkError(WatermarkErrorCode.VALUE_TOO_LARGE, `The ${problem}.`, LARGER_VALUES);
        }
        return resumeToken;
    }

    #sizeProblem(resumeToken: string): string | undefined {
        const bytes = Buffer.byteLength(resumeToken);
        const { maxValueSizeBytes } = this.#options;
        return bytes > maxValueSizeBytes
            ? `resume token has ${bytes} bytes; the database ${this.#database.path} takes at most ${maxValueSizeBytes}`
            : undefined;
    }
}
