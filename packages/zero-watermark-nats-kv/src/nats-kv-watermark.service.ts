import {
    type AdvanceOptions,
    type AdvanceResult,
    CorruptRecordError,
    RevisionConflictError,
    type ViewOptions,
    type Watermark,
    type WatermarkChange,
    WatermarkError,
    WatermarkErrorCode,
    type WatermarkEvent,
    WatermarkService,
    type WatermarkView,
    type WatchAllOptions,
    type WatchOptions
} from '@cbnsndwch/zero-contracts';
import {
    CallsUnderWay,
    checkAdvanceOptions,
    checkExpectedRevision,
    checkFunction,
    checkList,
    checkWatchAllOptions,
    checkWatchOptions,
    closedError,
    Deadline,
    encodeRecord,
    EventQueue,
    quoted,
    runSafely,
    Views
} from '@cbnsndwch/zero-contracts/backend';

import { CurrentReport } from './current-report.js';
import { Feed, type FeedContext } from './feed.js';
import type { StoredMessage } from './jetstream-answers.js';
import { subjectOfKey } from './key-codec.js';
import { KeyWrites } from './key-writes.js';
import { STORE_LESS } from './nats-errors.js';
import { readCurrent } from './read-current.js';
import { readEntry, readOrLog } from './record-entry.js';
import type { OnStored, WriteResult } from './record-store.js';
import { DELETE, type RecordWrite, SetWrite } from './record-write.js';
import { SharedReads } from './shared-reads.js';
import { followBucket } from './view-source.js';
import { allEnded, unconfirmedConflict } from './write-failures.js';

/** What a service needs besides what a feed needs. */
export interface WatermarkServiceContext extends FeedContext {
    readonly readConsistency: 'leader' | 'any';
}

/** How many keys are removed at once, and share a `timeoutMs`, when all are. */
const KEYS_A_TIMEOUT = 1_000;

/** {@link WatermarkService} on a NATS KV bucket. */
export class NatsKvWatermarkService extends WatermarkService {
    readonly #context: WatermarkServiceContext;
    readonly #readLast: (subject: string, deadline: Deadline) => Promise<StoredMessage | null>;
    readonly #writes: KeyWrites<RecordWrite>;
    readonly #calls = new CallsUnderWay();
    readonly #watches = new Set<() => void>();
    readonly #views: Views;

    constructor(context: WatermarkServiceContext) {
        super();
        this.#context = context;
        const { store, bucket, readConsistency } = context;
        const reads = new SharedReads(bucket, store);
        this.#readLast =
            readConsistency === 'any' && bucket.allowDirect
                ? (subject, deadline) => store.readAny(subject, deadline)
                : (subject, deadline) => reads.read(subject, deadline);
        this.#writes = new KeyWrites((subject, content, deadline) =>
            this.#write(subject, content, undefined, deadline)
        );
        this.#views = new Views({ logger: context.logger, follow: follower => followBucket(context, follower) });
    }

    override get(key: string): Promise<Watermark | null> {
        return this.#call(deadline =>
            this.#readLast(this.#subjectOf(key), deadline).then(message =>
                message === null ? null : this.#watermarkIn(message)
            )
        );
    }

    override set(key: string, version: string, data?: Record<string, unknown>): Promise<void> {
        return this.#call(deadline =>
            this.#writes.put(this.#subjectOf(key), this.#contentOf(key, version, data), deadline)
        );
    }

    override delete(key: string): Promise<void> {
        return this.#call(async deadline => this.#writes.put(this.#subjectOf(key), DELETE, deadline));
    }

    override clear(): Promise<void> {
        return this.#call(async () => {
            const keys = [...(await this.getAll()).keys()];
            for (let start = 0; start < keys.length; start += KEYS_A_TIMEOUT) {
                const deadline = Deadline.in(this.#context.timeoutMs);
                const deletions = keys
                    .slice(start, start + KEYS_A_TIMEOUT)
                    .map(key => this.#writes.put(this.#subjectOf(key), DELETE, deadline));
                await allEnded(deletions);
            }
        });
    }

    override getAll(): Promise<Map<string, Watermark>> {
        return this.#call(async () => {
            const all = new Map<string, Watermark>();
            await readCurrent(this.#context, message => {
                const entry = readOrLog(this.#context, message);
                if (entry?.type === 'set') {
                    all.set(entry.watermark.key, entry.watermark);
                } else if (entry?.type === 'delete') {
                    all.delete(entry.key);
                }
            });
            return all;
        });
    }

    override getMany(keys: Iterable<string>): Promise<Map<string, Watermark>> {
        return this.#call(async () => {
            const found = await Promise.all(checkList('keys', keys).map(key => this.get(key)));
            return new Map(found.filter(watermark => watermark !== null).map(watermark => [watermark.key, watermark]));
        });
    }

    override create(key: string, version: string, data?: Record<string, unknown>): Promise<number> {
        return this.#call(async deadline => {
            const subject = this.#subjectOf(key);
            const content = this.#contentOf(key, version, data);
            for (let expectedRevision = 0; ;) {
                const result = await this.#write(subject, content, expectedRevision, deadline);
                if (result.stored) {
                    return result.revision;
                }
                // What is there may be the mark of a deletion, which does not keep a key from being created.
                const message = await this.#readConflicting(subject, expectedRevision, result, deadline);
                const watermark = message === null ? null : this.#watermarkIn(message);
                if (watermark !== null) {
                    throw new RevisionConflictError(key, null, watermark.revision);
                }
                expectedRevision = message?.sequence ?? 0;
            }
        });
    }

    override compareAndSet(
        key: string,
        expectedRevision: number,
        version: string,
        data?: Record<string, unknown>
    ): Promise<number> {
        return this.#call(async deadline => {
            const subject = this.#subjectOf(key);
            const content = this.#contentOf(key, version, data);
            checkExpectedRevision(expectedRevision);
            // Read to refuse what is no watermark; the server, not this read, decides whether the revision is right.
            const found = await this.#context.store.read({ last_by_subj: subject }, deadline);
            if (found?.sequence === expectedRevision && this.#watermarkIn(found) === null) {
                throw new RevisionConflictError(key, expectedRevision, null);
            }
            const result = await this.#write(subject, content, expectedRevision, deadline);
            if (result.stored) {
                return result.revision;
            }
            const there =
                result.actualRevision === (found?.sequence ?? 0)
                    ? found
                    : await this.#readConflicting(subject, expectedRevision, result, deadline);
            const actual = there === null ? null : this.#watermarkIn(there);
            if (actual?.revision === expectedRevision) {
                throw unconfirmedConflict();
            }
            throw new RevisionConflictError(key, expectedRevision, actual?.revision ?? null);
        });
    }

    override advance(
        key: string,
        version: string,
        data?: Record<string, unknown>,
        options?: AdvanceOptions
    ): Promise<AdvanceResult> {
        return this.#call(async deadline => {
            const subject = this.#subjectOf(key);
            const content = this.#contentOf(key, version, data);
            const { compare } = checkAdvanceOptions(options);
            let found = await this.#context.store.read({ last_by_subj: subject }, deadline);
            for (;;) {
                const current = found === null ? null : this.#watermarkIn(found);
                if (current !== null && !(compare(version, current.version) > 0)) {
                    return { advanced: false, current };
                }
                const expectedRevision = found?.sequence ?? 0;
                const result = await this.#write(subject, content, expectedRevision, deadline);
                if (result.stored) {
                    return { advanced: true, revision: result.revision };
                }
                found = await this.#readConflicting(subject, expectedRevision, result, deadline);
            }
        });
    }

    override history(key: string): Promise<readonly Watermark[]> {
        return this.#call(async deadline => {
            const subject = this.#subjectOf(key);
            const revisions: Watermark[] = [];
            for (let seq = 1; ;) {
                const message = await this.#context.store.read({ seq, next_by_subj: subject }, deadline);
                if (message === null) {
                    return revisions;
                }
                const entry = readEntry(this.#context.bucket.subjectPrefix, message);
                if ('watermark' in entry) {
                    revisions.push(entry.watermark);
                }
                seq = message.sequence + 1;
            }
        });
    }

    override watch(key: string, callback: (watermark: Watermark) => void, options?: WatchOptions): Promise<() => void> {
        return this.#call(async () => {
            const { logger } = this.#context;
            const { includeCurrent, onDelete } = checkWatchOptions(options);
            checkFunction('callback', callback);
            let active = true;
            const report = (error: unknown) =>
                logger.error(`A watch callback of ${JSON.stringify(key)} failed.`, error);
            const current = new CurrentReport(includeCurrent);
            const feed = await Feed.open(this.#context, this.#subjectOf(key), includeCurrent, {
                message: message => {
                    const entry = active ? readOrLog(this.#context, message) : undefined;
                    if (entry === undefined || !current.takes(entry)) {
                        return;
                    }
                    if (entry.type === 'set') {
                        runSafely(() => callback(entry.watermark), report);
                    } else {
                        const { revision, timestamp } = entry;
                        runSafely(() => onDelete({ key: entry.key, revision, timestamp }), report);
                    }
                },
                currentComplete: () => current.complete(),
                flowControl: resume => resume()
            });
            const stop = () => {
                active = false;
                this.#watches.delete(stop);
                feed.stop();
            };
            if (this.#calls.closed) {
                stop();
                throw closedError();
            }
            this.#watches.add(stop);
            return stop;
        });
    }

    override async *watchAll(options?: WatchAllOptions): AsyncGenerator<WatermarkEvent, void, undefined> {
        if (this.#calls.closed) {
            throw closedError();
        }
        const { prefix, includeCurrent, signal } = checkWatchAllOptions(options);
        const { bucket } = this.#context;
        const queue = new EventQueue<WatermarkEvent>();
        const current = new CurrentReport(includeCurrent);
        let stopFeed = () => {};
        const stop = () => {
            queue.end();
            // At once, and not when the consumer comes for the next event, which it may never do.
            stopFeed();
        };
        this.#watches.add(stop);
        signal?.addEventListener('abort', stop, { once: true });
        try {
            if (signal?.aborted === true) {
                return;
            }
            const opening = Feed.open(this.#context, `${bucket.subjectPrefix}>`, includeCurrent, {
                message: message => {
                    const event = readOrLog(this.#context, message);
                    if (event !== undefined && keyOf(event).startsWith(prefix) && current.takes(event)) {
                        queue.push(event);
                    }
                },
                currentComplete: () => {
                    if (current.complete()) {
                        queue.push({ type: 'current-complete' });
                    }
                },
                flowControl: resume => queue.whenTaken(resume)
            });
            const feed = await Promise.race([opening, queue.ended]);
            if (feed === undefined) {
                // Opening may take as long as an outage; nobody waits for it any more.
                void opening.then(late => late.stop()).catch(() => {});
                return;
            }
            stopFeed = () => feed.stop();
            yield* queue.drain();
        } finally {
            stop();
            signal?.removeEventListener('abort', stop);
            this.#watches.delete(stop);
        }
    }

    override view(options?: ViewOptions): WatermarkView {
        return this.#views.open(options);
    }

    override async close(): Promise<void> {
        const finished = this.#calls.close();
        this.#views.close();
        for (const stop of this.#watches) {
            stop();
        }
        await finished;
    }

    /** Runs one call of the API within its deadline. */
    #call<T>(run: (deadline: Deadline) => Promise<T>): Promise<T> {
        return this.#calls.run(() => run(Deadline.in(this.#context.timeoutMs)));
    }

    #subjectOf(key: string): string {
        return subjectOfKey(this.#context.bucket.subjectPrefix, key);
    }

    #contentOf(key: string, version: string, data: Record<string, unknown> | undefined): RecordWrite {
        const text = encodeRecord(version, data);
        const { maxRecordBytes, name } = this.#context.bucket;
        if (text.length > maxRecordBytes / 3 && Buffer.byteLength(text) > maxRecordBytes) {
            throw new WatermarkError(
                WatermarkErrorCode.VALUE_TOO_LARGE,
                `The record of ${quoted(key)} has ${Buffer.byteLength(text)} bytes; ` +
                    `the KV bucket "${name}" takes at most ${maxRecordBytes}.`,
                { remediation: STORE_LESS }
            );
        }
        return new SetWrite(text);
    }

    /** Writes, and lets the views have it before the caller learns that it is stored. */
    #write(
        subject: string,
        content: RecordWrite,
        expectedRevision: number | undefined,
        deadline: Deadline
    ): Promise<WriteResult> {
        return this.#context.store.write(subject, content, expectedRevision, deadline, this.#showWritten);
    }

    readonly #showWritten: OnStored = (subject, { payload, headers }, sequence) => {
        if (!this.#views.any) {
            return;
        }
        // The acknowledgement has no time in it; the server's comes with the message itself.
        const message = { subject, sequence, timestamp: Date.now(), data: payload, headers: new Map(headers) };
        const entry = readEntry(this.#context.bucket.subjectPrefix, message);
        if (!(entry instanceof CorruptRecordError)) {
            this.#views.wrote(entry);
        }
    };

    /** Reads what was in the way of a conditional write; a leader that doesn't have it yet is asked again. */
    async #readConflicting(
        subject: string,
        expectedRevision: number,
        result: Extract<WriteResult, { stored: false }>,
        deadline: Deadline
    ): Promise<StoredMessage | null> {
        const atLeast = result.actualRevision;
        return this.#context.store.readUntil({ last_by_subj: subject }, deadline, message =>
            atLeast === undefined ? (message?.sequence ?? 0) !== expectedRevision : (message?.sequence ?? 0) >= atLeast
        );
    }

    /** The watermark in a message; `null` when it is the mark of a deletion. */
    #watermarkIn(message: StoredMessage): Watermark | null {
        const entry = readEntry(this.#context.bucket.subjectPrefix, message);
        if (entry instanceof CorruptRecordError) {
            throw entry;
        }
        return entry.type === 'set' ? entry.watermark : null;
    }
}

function keyOf(entry: WatermarkChange): string {
    return entry.type === 'set' ? entry.watermark.key : entry.key;
}
