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
    checkKey,
    checkList,
    checkWatchAllOptions,
    checkWatchOptions,
    closedError,
    encodeRecord,
    quoted,
    runSafely,
    Views
} from '@cbnsndwch/zero-contracts/backend';

import type { ChangeFeed } from './change-feed.js';
import { readAll } from './read-all.js';
import { readEntry, type RecordRow, type RecordTable } from './record-table.js';
import { RowReader } from './row-reader.js';
import type { StoreDatabase } from './store-database.js';
import type { Writer } from './writer.js';

/** The longest key, in bytes of its UTF-8: as much as the store on NATS takes at the most. */
const MAX_KEY_BYTES = 3_000;

/** What the service works on. */
export interface WatermarkServiceContext {
    readonly database: StoreDatabase;
    readonly writer: Writer;
    readonly feed: ChangeFeed;
    readonly maxRecordBytes: number;
}

/** {@link WatermarkService} in an SQLite file. */
export class ZqliteWatermarkService extends WatermarkService {
    readonly #context: WatermarkServiceContext;
    readonly #calls = new CallsUnderWay();
    readonly #watches = new Set<() => void>();
    readonly #views: Views;

    constructor(context: WatermarkServiceContext) {
        super();
        this.#context = context;
        this.#views = new Views({
            logger: context.database.logger,
            follow: follower => context.feed.follow({ ...follower, row: row => follower.told(this.#changeIn(row)) })
        });
    }

    override get(key: string): Promise<Watermark | null> {
        return this.#read(records => watermarkIn(records.newestKnown(storable(key))));
    }

    override set(key: string, version: string, data?: Record<string, unknown>): Promise<void> {
        return this.#write(key, version, data, (records, record) => void records.append(key, record));
    }

    override delete(key: string): Promise<void> {
        return this.#calls.run(async () => {
            storable(key);
            return this.#context.writer.write(({ records }) => {
                if ((records.newest(key)?.record ?? null) !== null) {
                    records.append(key, null);
                }
            });
        });
    }

    override clear(): Promise<void> {
        return this.#calls.run(async () => {
            const { database, writer } = this.#context;
            const end = await database.read(({ records }) => records.head());
            const reader = RowReader.fromStart();
            for (let last = 0; last < end;) {
                const rows = await database.read(({ records }) => reader.next(records));
                last = rows.at(-1)?.revision ?? end;
                const keys = rows.flatMap(row => (this.#readOrLog(row)?.type === 'set' ? [row.key] : []));
                const deletions = ({ records }: { readonly records: RecordTable }) =>
                    keys.forEach(key => records.append(key, null));
                await writer.write(deletions, { rows: keys.length });
            }
        });
    }

    override getAll(): Promise<Map<string, Watermark>> {
        return this.#calls.run(async () => {
            const all = new Map<string, Watermark>();
            const reader = RowReader.fromStart(() => all.clear());
            await readAll(this.#context.database, reader, row => {
                const entry = this.#readOrLog(row);
                // A key that was written since it was read comes again.
                all.delete(row.key);
                if (entry?.type === 'set') {
                    all.set(row.key, entry.watermark);
                }
            });
            return all;
        });
    }

    override getMany(keys: Iterable<string>): Promise<Map<string, Watermark>> {
        return this.#calls.run(async () => {
            const wanted = checkList('keys', keys).map(storable);
            const rows = await this.#context.database.read(session =>
                session.snapshot(() => wanted.map(key => session.records.newest(key)))
            );
            const found = rows.map(watermarkIn).filter(watermark => watermark !== null);
            return new Map(found.map(watermark => [watermark.key, watermark]));
        });
    }

    override create(key: string, version: string, data?: Record<string, unknown>): Promise<number> {
        return this.#write(key, version, data, (records, record) => {
            const found = watermarkIn(records.newest(key));
            if (found !== null) {
                throw new RevisionConflictError(key, null, found.revision);
            }
            return records.append(key, record);
        });
    }

    override compareAndSet(
        key: string,
        expectedRevision: number,
        version: string,
        data?: Record<string, unknown>
    ): Promise<number> {
        return this.#calls.run(async () => {
            const record = this.#recordOf(key, version, data);
            checkExpectedRevision(expectedRevision);
            return this.#context.writer.write(({ records }) => {
                const current = watermarkIn(records.newest(key));
                if (current?.revision !== expectedRevision) {
                    throw new RevisionConflictError(key, expectedRevision, current?.revision ?? null);
                }
                return records.append(key, record);
            });
        });
    }

    override advance(
        key: string,
        version: string,
        data?: Record<string, unknown>,
        options?: AdvanceOptions
    ): Promise<AdvanceResult> {
        return this.#calls.run(async () => {
            const record = this.#recordOf(key, version, data);
            const { compare } = checkAdvanceOptions(options);
            return this.#context.writer.write<AdvanceResult>(({ records }) => {
                const current = watermarkIn(records.newest(key));
                return current !== null && !(compare(version, current.version) > 0)
                    ? { advanced: false, current }
                    : { advanced: true, revision: records.append(key, record) };
            });
        });
    }

    override history(key: string): Promise<readonly Watermark[]> {
        return this.#read(records => {
            const entries = records.ofKey(storable(key)).map(readEntry);
            return entries.flatMap(entry => ('watermark' in entry ? [entry.watermark] : []));
        });
    }

    override watch(key: string, callback: (watermark: Watermark) => void, options?: WatchOptions): Promise<() => void> {
        return this.#calls.run(async () => {
            const { database, feed } = this.#context;
            const { includeCurrent, onDelete } = checkWatchOptions(options);
            checkFunction('callback', callback);
            let active = true;
            const report = (error: unknown) =>
                database.logger.error(`A watch callback of ${JSON.stringify(key)} failed.`, error);
            const stopListening = await feed.listen(storable(key), includeCurrent, row => {
                const entry = active ? this.#readOrLog(row) : undefined;
                if (entry?.type === 'set') {
                    runSafely(() => callback(entry.watermark), report);
                } else if (entry?.type === 'delete') {
                    const { revision, timestamp } = entry;
                    runSafely(() => onDelete({ key, revision, timestamp }), report);
                }
            });
            const stop = () => {
                active = false;
                this.#watches.delete(stop);
                stopListening();
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
        // Not `AbortSignal.any`: the signals it is given keep something of each that was made of them [Node 20].
        const ending = new AbortController();
        const stop = () => ending.abort();
        this.#watches.add(stop);
        signal?.addEventListener('abort', stop, { once: true });
        if (signal?.aborted === true) {
            stop();
        }
        try {
            for await (const row of this.#context.feed.rows(includeCurrent, ending.signal)) {
                const event = row === 'current-complete' ? { type: row } : this.#readOrLog(row);
                if (event !== undefined && (row === 'current-complete' || row.key.startsWith(prefix))) {
                    yield event;
                }
            }
        } finally {
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

    #read<T>(run: (records: RecordTable) => T): Promise<T> {
        return this.#calls.run(() => this.#context.database.read(({ records }) => run(records)));
    }

    #write<T>(
        key: string,
        version: string,
        data: Record<string, unknown> | undefined,
        run: (records: RecordTable, record: string) => T
    ): Promise<T> {
        return this.#calls.run(() => {
            const record = this.#recordOf(key, version, data);
            return this.#context.writer.write(({ records }) => run(records, record));
        });
    }

    /** What is to be stored, if it can be. */
    #recordOf(key: string, version: string, data: Record<string, unknown> | undefined): string {
        storable(key);
        const record = encodeRecord(version, data);
        if (isLonger(record, this.#context.maxRecordBytes)) {
            throw new WatermarkError(
                WatermarkErrorCode.VALUE_TOO_LARGE,
                `The record of ${quoted(key)} has ${Buffer.byteLength(record)} bytes; ` +
                    `the database ${this.#context.database.path} takes at most ${this.#context.maxRecordBytes}.`,
                { remediation: 'Store less data, or raise maxValueSizeBytes.' }
            );
        }
        return record;
    }

    /** What a revision changes in a view. One that can't be read is as good as gone, as for `getAll`. */
    #changeIn(row: RecordRow): WatermarkChange {
        const { key, revision, timestamp } = row;
        return this.#readOrLog(row) ?? { type: 'delete', key, revision, timestamp };
    }

    #readOrLog(row: RecordRow): WatermarkChange | undefined {
        const { database } = this.#context;
        const entry = readEntry(row);
        if (entry instanceof CorruptRecordError) {
            database.logger.warn(`Database ${database.path}: ${entry.message}`);
            return undefined;
        }
        return entry;
    }
}

/** The watermark in a revision; `null` when there is none or it says that the key was deleted. */
function watermarkIn(row: RecordRow | undefined): Watermark | null {
    const entry = row === undefined ? undefined : readEntry(row);
    if (entry instanceof CorruptRecordError) {
        throw entry;
    }
    return entry?.type === 'set' ? entry.watermark : null;
}

/**
 * Gives the key back if it can be stored.
 *
 * @throws {WatermarkError} `INVALID_KEY`
 */
function storable(key: string): string {
    if (isLonger(checkKey(key), MAX_KEY_BYTES)) {
        throw new WatermarkError(
            WatermarkErrorCode.INVALID_KEY,
            `The key ${quoted(key)} has ${Buffer.byteLength(key)} bytes; ` + `expected at most ${MAX_KEY_BYTES}.`
        );
    }
    return key;
}

/** Whether a text has more bytes in UTF-8. A character has three at the most, so few texts have to be measured. */
function isLonger(text: string, bytes: number): boolean {
    return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}
