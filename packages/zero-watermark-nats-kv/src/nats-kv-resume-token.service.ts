import {
    type AssignedChange,
    type AssignOptions,
    type ExportLines,
    type ExportResumeTokensOptions,
    type ImportResumeTokensReport,
    isWatermarkError,
    type LexiVersion,
    type ResumePoint,
    ResumeTokenService,
    type ShardHead,
    WatermarkErrorCode
} from '@cbnsndwch/zero-contracts';
import {
    type Asker,
    assignInOrder,
    CallsUnderWay,
    checkLastWatermark,
    checkList,
    checkResumeToken,
    checkShardId,
    checkWatermark,
    closedError,
    Deadline,
    type ExportSource,
    exportTokens,
    importPairs
} from '@cbnsndwch/zero-contracts/backend';

import { openBucket } from './bucket.js';
import { streamOfBucket, subjectPrefixOfBucket } from './bucket-config.js';
import type { Connection } from './connection.js';
import type { StreamConfig, StreamInfo } from './jetstream-answers.js';
import type { ResolvedNatsKvConfig } from './options.js';
import type { RecordStore } from './record-store.js';
import { Shard } from './shard.js';
import { bucketOfShard, shardOfBucket } from './shard-name.js';
import { TokenLog } from './token-log.js';

/** How many tokens of one call share its `timeoutMs`; each further group of so many may take that long again. */
const TOKENS_A_TIMEOUT = 10_000;

/** The same for what is exported and imported: each of them may take a round trip. */
const PAIRS_A_TIMEOUT = 250;

/** {@link ResumeTokenService} on NATS KV: a bucket a shard, one write a token. */
export class NatsKvResumeTokenService extends ResumeTokenService {
    readonly #connection: Connection;
    readonly #config: ResolvedNatsKvConfig;
    readonly #store: RecordStore;
    /** Those that are open, and those that are being opened. */
    readonly #shards = new Map<string, Shard | Promise<Shard>>();
    readonly #calls = new CallsUnderWay();

    /** `store` is that of the watermarks; what concerns no shard alone is asked through it. */
    constructor(connection: Connection, config: ResolvedNatsKvConfig, store: RecordStore) {
        super();
        this.#store = store;
        this.#connection = connection;
        this.#config = config;
    }

    override getOrCreateWatermark(shardId: string, resumeToken: string): Promise<LexiVersion> {
        return this.#calls.run(() => {
            const token = checkResumeToken(resumeToken);
            return this.#whenUsable(shardId, (shard, deadline) => shard.watermarkFor(token, deadline));
        });
    }

    override getOrCreateWatermarks(shardId: string, resumeTokens: readonly string[]): Promise<LexiVersion[]> {
        return this.#calls.run(async () => {
            // Not later, when the shard is open: the array is the caller's, who may go on using it.
            const tokens = checkList('resumeTokens', resumeTokens).map(checkResumeToken);
            const shares = Math.max(1, Math.ceil(tokens.length / TOKENS_A_TIMEOUT));
            return this.#whenUsable(shardId, shard =>
                shard.watermarksFor(tokens, Deadline.in(this.#config.timeoutMs * shares))
            );
        });
    }

    override assignWatermarks<T>(
        shardId: string,
        changes: AsyncIterable<T>,
        options: AssignOptions<T>
    ): AsyncIterableIterator<AssignedChange<T>> {
        return assignInOrder(changes, (resumeToken, asker) => this.#ask(shardId, resumeToken, asker), options);
    }

    override getResumeToken(shardId: string, watermark: LexiVersion): Promise<string | undefined> {
        return this.#calls.run(async () => {
            const major = checkWatermark(watermark);
            return this.#whenUsable(shardId, (shard, deadline) => shard.tokenOf(major, deadline));
        });
    }

    override resume(shardId: string, lastWatermark: LexiVersion | undefined): Promise<ResumePoint> {
        return this.#call(shardId, (shard, deadline) => shard.resume(checkLastWatermark(lastWatermark), deadline));
    }

    override beginSync(shardId: string, resumeToken: string): Promise<LexiVersion> {
        return this.#calls.run(async () => {
            const token = checkResumeToken(resumeToken);
            return this.#whenUsable(shardId, (shard, deadline) => shard.beginSync(token, deadline));
        });
    }

    override acknowledge(shardId: string, watermark: LexiVersion): Promise<void> {
        return this.#calls.run(() => this.#onShard(shardId, async shard => shard.acknowledge(watermark)));
    }

    override abandon(shardId: string): Promise<void> {
        return this.#calls.run(() => this.#onShard(shardId, (shard, deadline) => shard.abandon(deadline)));
    }

    override clear(): Promise<void> {
        return this.#calls.run(async () => {
            for (const shardId of await this.#shardIds()) {
                await this.#onShard(shardId, (shard, deadline) => shard.abandon(deadline));
            }
        });
    }

    override head(shardId: string): Promise<ShardHead | null> {
        return this.#call(shardId, (shard, deadline) => shard.head(deadline));
    }

    override async provision(shardIds: readonly string[]): Promise<void> {
        const checked = checkList('shardIds', shardIds).map(checkShardId);
        await Promise.all(checked.map(shardId => this.#calls.run(() => this.#onShard(shardId, async () => {}))));
    }

    override exportWatermarks(options?: ExportResumeTokensOptions): AsyncIterable<string> {
        const source: ExportSource = {
            shardIds: () => this.#calls.run(() => this.#shardIds()),
            newest: shardId => this.#call(shardId, (shard, deadline) => shard.newest(deadline)),
            page: (shardId, from) =>
                this.#call(shardId, (shard, deadline) => shard.tokensFrom(from, PAIRS_A_TIMEOUT, deadline))
        };
        return exportTokens(source, options);
    }

    override importWatermarks(lines: ExportLines): Promise<ImportResumeTokensReport> {
        return importPairs(lines, {
            pairsAtOnce: PAIRS_A_TIMEOUT,
            add: (shardId, pairs) =>
                this.#calls.run(() => this.#onShard(shardId, (shard, deadline) => shard.import(pairs, deadline))),
            complete: shardId =>
                this.#calls.run(() => this.#onShard(shardId, (shard, deadline) => shard.completeImport(deadline)))
        });
    }

    override async close(): Promise<void> {
        await this.#calls.close();
        for (const shard of this.#shards.values()) {
            // Not awaited: one that is still being opened would go on until its call's deadline, or the connection's end.
            void Promise.resolve(shard).then(
                opened => opened.stop(),
                () => {}
            );
        }
    }

    /** The shards that have a bucket. */
    async #shardIds(): Promise<string[]> {
        const { bucket, timeoutMs } = this.#config;
        const streams = await this.#store.retry(Deadline.in(timeoutMs), attemptMs =>
            this.#store.js.streamNames(`${subjectPrefixOfBucket('*')}>`, attemptMs)
        );
        return streams
            .map(stream => shardOfBucket(bucket, stream.slice(streamOfBucket('').length)))
            .filter(shardId => shardId !== undefined);
    }

    /** Asks for a watermark without a promise: those of one call were a third of what the client does for a token. */
    #ask(shardId: string, resumeToken: string, { answer, fail }: Asker): void {
        const shard = this.#shards.get(shardId);
        if (!(shard instanceof Shard) || !shard.usable) {
            this.getOrCreateWatermark(shardId, resumeToken).then(answer, fail);
            return;
        }
        const token = checkResumeToken(resumeToken);
        this.#calls.begin();
        const asker: Asker = {
            answer: watermark => {
                this.#calls.end();
                answer(watermark);
            },
            fail: error => {
                this.#calls.end();
                fail(this.#errorOf(shardId, error));
            }
        };
        try {
            shard.ask(token, Deadline.in(this.#config.timeoutMs), asker);
        } catch (error) {
            asker.fail(error);
        }
    }

    #call<T>(shardId: string, run: (shard: Shard, deadline: Deadline) => Promise<T>): Promise<T> {
        return this.#calls.run(() => this.#whenUsable(shardId, run));
    }

    #whenUsable<T>(shardId: string, run: (shard: Shard, deadline: Deadline) => Promise<T>): Promise<T> {
        return this.#onShard(shardId, (shard, deadline) => shard.whenUsable(deadline, () => run(shard, deadline)));
    }

    #onShard<T>(shardId: string, run: (shard: Shard, deadline: Deadline) => Promise<T>): Promise<T> {
        const deadline = Deadline.in(this.#config.timeoutMs);
        const shard = this.#shards.get(shardId) ?? this.#open(shardId, deadline);
        const answer = shard instanceof Shard ? run(shard, deadline) : shard.then(opened => run(opened, deadline));
        return answer.catch((error: unknown) => {
            throw this.#errorOf(shardId, error);
        });
    }

    /** What a call on a shard is told of a failure. */
    #errorOf(shardId: string, error: unknown): unknown {
        if (isWatermarkError(error, WatermarkErrorCode.BUCKET_NOT_FOUND)) {
            // Whoever asks next finds the bucket that was made instead, or has it made: above all numbers given.
            this.#shards.delete(shardId);
        }
        if (this.#connection.closed && isWatermarkError(error, WatermarkErrorCode.UNAVAILABLE)) {
            // It was not sent, behind another one that the end of the connection left in doubt.
            return closedError();
        }
        return error;
    }

    #open(shardId: string, deadline: Deadline): Promise<Shard> {
        const opening = this.#openShard(shardId, deadline);
        this.#shards.set(shardId, opening);
        // The first to be told, so that calls which wait for it come before those that find it open.
        opening.then(
            shard => this.#shards.set(shardId, shard),
            () => this.#shards.delete(shardId)
        );
        return opening;
    }

    async #openShard(shardId: string, deadline: Deadline): Promise<Shard> {
        const { timeoutMs, logger, retainTokens, retainMs, compareResumeTokens } = this.#config;
        const bucketConfig = {
            ...this.#config,
            bucket: bucketOfShard(this.#config.bucket, shardId),
            history: 1,
            ttlMs: 0,
            maxValueSizeBytes: undefined
        };
        const bucket = await openBucket(this.#connection, bucketConfig, deadline, {
            extraSettings: batchSettings(this.#config.replicas),
            isPurged: true
        });
        const log = new TokenLog(this.#connection, bucket);
        await startAtClock(log, bucket.info, deadline);
        const shard = new Shard(log, { shardId, timeoutMs, logger, retainTokens, retainMs, compareResumeTokens });
        if (bucket.info.state.messages > 0) {
            await shard.lookForImport(deadline);
        }
        return shard;
    }
}

/** Which kinds of batches a shard's stream takes: those of 2.14, if they are of use; those of 2.12; none. */
function batchSettings(replicas: number): readonly Partial<StreamConfig>[] {
    const atomic = { allow_atomic: true };
    return replicas === 1 ? [{ ...atomic, allow_batched: true }, atomic] : [atomic];
}

/**
 * Lets a new stream begin at the microseconds of its creation, so that a bucket that was wiped and made again goes on
 * above all that it ever gave out. The time is the server's, so every instance comes to the same number, and doing it
 * twice removes nothing. (`first_seq` is no way to do it: 2.10.27 loses all messages of such a stream when it restarts.)
 */
async function startAtClock(log: TokenLog, { created, state }: StreamInfo, deadline: Deadline): Promise<void> {
    if (state.last_seq === 0) {
        await log.purge(microsecondsOf(created), deadline);
    }
}

/** RFC 3339 with up to nine digits of a second, of which a `Date` keeps three. */
export function microsecondsOf(timestamp: string): number {
    const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? '';
    const seconds = Math.floor(Date.parse(timestamp) / 1_000);
    return seconds * 1_000_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}
