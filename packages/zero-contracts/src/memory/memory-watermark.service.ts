import {
    CallsUnderWay,
    checkAdvanceOptions,
    checkExpectedRevision,
    checkFunction,
    checkKey,
    checkList,
    checkWatchAllOptions,
    checkWatchOptions,
    closedError,
    decodeRecord,
    encodeRecord,
    EventQueue,
    runSafely,
    type ViewFollower,
    Views
} from '../backend.js';
import {
    type AdvanceOptions,
    type AdvanceResult,
    CorruptRecordError,
    RevisionConflictError,
    type ViewOptions,
    type Watermark,
    type WatermarkChange,
    type WatermarkEvent,
    type WatermarkLogger,
    WatermarkService,
    type WatermarkView,
    type WatchAllOptions,
    type WatchOptions
} from '../index.js';
import type { MemoryData, StoredRecord } from './memory-data.js';

/** {@link WatermarkService} in the memory of this process. */
export class MemoryWatermarkService extends WatermarkService {
    readonly #data: MemoryData;
    readonly #logger: WatermarkLogger;
    readonly #calls = new CallsUnderWay();
    readonly #watches = new Set<() => void>();
    readonly #views: Views;

    constructor(data: MemoryData, logger: WatermarkLogger) {
        super();
        this.#data = data;
        this.#logger = logger;
        this.#views = new Views({ logger, follow: async follower => this.#follow(follower) });
    }

    override get(key: string): Promise<Watermark | null> {
        return this.#calls.run(async () => this.#current(checkKey(key)));
    }

    override set(key: string, version: string, data?: Record<string, unknown>): Promise<void> {
        return this.#calls.run(async () => void this.#write(checkKey(key), version, data));
    }

    override delete(key: string): Promise<void> {
        return this.#calls.run(async () => {
            if (this.#data.last(checkKey(key)) !== undefined) {
                this.#data.write(key, null);
            }
        });
    }

    override clear(): Promise<void> {
        return this.#calls.run(async () => this.#readAll().forEach(({ key }) => this.#data.write(key, null)));
    }

    override getAll(): Promise<Map<string, Watermark>> {
        return this.#calls.run(async () => new Map(this.#readAll().map(watermark => [watermark.key, watermark])));
    }

    override getMany(keys: Iterable<string>): Promise<Map<string, Watermark>> {
        return this.#calls.run(async () => {
            const found = checkList('keys', keys).map(key => this.#current(checkKey(key)));
            return new Map(found.filter(watermark => watermark !== null).map(watermark => [watermark.key, watermark]));
        });
    }

    override create(key: string, version: string, data?: Record<string, unknown>): Promise<number> {
        return this.#calls.run(async () => {
            const current = this.#current(checkKey(key));
            const text = encodeRecord(version, data);
            if (current !== null) {
                throw new RevisionConflictError(key, null, current.revision);
            }
            return this.#data.write(key, text).revision;
        });
    }

    override compareAndSet(
        key: string,
        expectedRevision: number,
        version: string,
        data?: Record<string, unknown>
    ): Promise<number> {
        return this.#calls.run(async () => {
            const current = this.#current(checkKey(key));
            const text = encodeRecord(version, data);
            if (current?.revision !== checkExpectedRevision(expectedRevision)) {
                throw new RevisionConflictError(key, expectedRevision, current?.revision ?? null);
            }
            return this.#data.write(key, text).revision;
        });
    }

    override advance(
        key: string,
        version: string,
        data?: Record<string, unknown>,
        options?: AdvanceOptions
    ): Promise<AdvanceResult> {
        return this.#calls.run(async () => {
            const { compare } = checkAdvanceOptions(options);
            const current = this.#current(checkKey(key));
            const text = encodeRecord(version, data);
            return current !== null && !(compare(version, current.version) > 0)
                ? { advanced: false, current }
                : { advanced: true, revision: this.#data.write(key, text).revision };
        });
    }

    override history(key: string): Promise<readonly Watermark[]> {
        return this.#calls.run(async () => this.#data.history(checkKey(key)).map(readRecord).filter(isWatermark));
    }

    override watch(key: string, callback: (watermark: Watermark) => void, options?: WatchOptions): Promise<() => void> {
        return this.#calls.run(async () => {
            checkKey(key);
            checkFunction('callback', callback);
            const { includeCurrent, onDelete } = checkWatchOptions(options);
            const events = this.#listen(name => name === key, includeCurrent);
            const report = (error: unknown) =>
                this.#logger.error(`A watch callback of ${JSON.stringify(key)} failed.`, error);
            const deliver = async () => {
                for await (const event of events.drain()) {
                    if (event.type === 'set') {
                        runSafely(() => callback(event.watermark), report);
                    } else if (event.type === 'delete') {
                        const { revision, timestamp } = event;
                        runSafely(() => onDelete({ key, revision, timestamp }), report);
                    }
                }
            };
            void deliver();
            return () => events.end();
        });
    }

    override async *watchAll(options?: WatchAllOptions): AsyncGenerator<WatermarkEvent, void, undefined> {
        const { prefix, includeCurrent, signal } = checkWatchAllOptions(options);
        if (this.#calls.closed) {
            throw closedError();
        }
        if (signal?.aborted === true) {
            return;
        }
        const events = this.#listen(key => key.startsWith(prefix), includeCurrent);
        const stop = () => events.end();
        signal?.addEventListener('abort', stop, { once: true });
        try {
            yield* events.drain();
        } finally {
            signal?.removeEventListener('abort', stop);
            events.end();
        }
    }

    override view(options?: ViewOptions): WatermarkView {
        return this.#views.open(options);
    }

    override async close(): Promise<void> {
        const finished = this.#calls.close();
        this.#watches.forEach(end => end());
        this.#views.close();
        await finished;
    }

    /** What is there, if it is asked for, and then every change, until the queue is ended. */
    #listen(isMeant: (key: string) => boolean, includeCurrent: boolean): EventQueue<WatermarkEvent> {
        const events = new EventQueue<WatermarkEvent>();
        const tell = (record: StoredRecord) => {
            const watermark = isMeant(record.key) ? this.#readOrLog(record) : undefined;
            if (watermark === null) {
                events.push(deletionBy(record));
            } else if (watermark !== undefined) {
                events.push({ type: 'set', watermark });
            }
        };
        if (includeCurrent) {
            this.#data.all().forEach(tell);
            events.push({ type: 'current-complete' });
        }
        const stopListening = this.#data.listen({ written: tell });
        const end = () => events.end();
        this.#watches.add(end);
        void events.ended.then(() => {
            stopListening();
            this.#watches.delete(end);
        });
        return events;
    }

    /** The same for a view, which is told while a write is being made, and so before its caller. */
    #follow(follower: ViewFollower): () => void {
        const tell = (record: StoredRecord) => {
            const watermark = this.#readOrLog(record);
            follower.told(watermark ? { type: 'set', watermark } : deletionBy(record));
        };
        const tellAll = () => {
            this.#data.all().forEach(tell);
            follower.complete();
            follower.confirmed(Number.POSITIVE_INFINITY);
        };
        tellAll();
        const replaced = () => {
            follower.begunAnew();
            tellAll();
        };
        return this.#data.listen({ written: tell, replaced });
    }

    #write(key: string, version: string, data: Record<string, unknown> | undefined): StoredRecord {
        return this.#data.write(key, encodeRecord(version, data));
    }

    #current(key: string): Watermark | null {
        const record = this.#data.last(key);
        const watermark = record === undefined ? null : readRecord(record);
        if (watermark instanceof CorruptRecordError) {
            throw watermark;
        }
        return watermark;
    }

    #readAll(): Watermark[] {
        const all = this.#data.all().map(record => this.#readOrLog(record));
        return all.filter(watermark => watermark !== null && watermark !== undefined);
    }

    #readOrLog(record: StoredRecord): Watermark | null | undefined {
        const watermark = readRecord(record);
        if (watermark instanceof CorruptRecordError) {
            this.#logger.warn(watermark.message);
            return undefined;
        }
        return watermark;
    }
}

/** The watermark in a record; `null`: it marks a deletion. Each call makes a new one, which is then the caller's. */
function readRecord({ key, revision, timestamp, text }: StoredRecord): Watermark | CorruptRecordError | null {
    if (text === null) {
        return null;
    }
    const record = decodeRecord(text);
    return record.ok
        ? { key, ...record.content, timestamp, revision }
        : new CorruptRecordError(key, revision, record.reason);
}

function deletionBy({ key, revision, timestamp }: StoredRecord): WatermarkChange {
    return { type: 'delete', key, revision, timestamp };
}

function isWatermark(found: ReturnType<typeof readRecord>): found is Watermark {
    return found !== null && !(found instanceof CorruptRecordError);
}
