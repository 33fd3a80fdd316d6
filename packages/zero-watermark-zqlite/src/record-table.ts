import { CorruptRecordError, type WatermarkChange } from '@cbnsndwch/zero-contracts';
import { decodeRecord } from '@cbnsndwch/zero-contracts/backend';

import { checkNumber } from './check-number.js';
import type { Connection } from './sqlite.js';

/** How many keys are remembered with their newest revisions, and up to how many characters of a record. */
const MOST_KNOWN = 10_000;
const LONGEST_KNOWN = 2_000;

/** A revision as it is stored. */
export interface RecordRow {
    readonly revision: number;
    readonly key: string;
    readonly timestamp: number;
    /** `null`: the key was deleted. */
    readonly record: string | null;
}

/**
 * The revisions of all keys: prepared statements on one connection, each of them a single step.
 *
 * The plus in `= +?` and `LIMIT +?` changes nothing but this: without it, SQLite 3.54 plans the statement anew for each
 * value, to see whether another plan fits that value better. That was seen to take four times as long as the search itself.
 */
export class RecordTable {
    readonly #newest;
    readonly #ofKey;
    readonly #after;
    readonly #currentAfter;
    readonly #head;
    readonly #insert;
    readonly #removeOld;
    readonly #dataVersion;
    readonly #history: number;
    /** The newest revisions of keys that were asked for, as long as no other connection writes. */
    readonly #known = new Map<string, RecordRow | undefined>();
    #knownAt = 0;

    /** @param history how many revisions of a key are kept */
    constructor(connection: Connection, table: string, history: number) {
        const columns = 'revision, key, timestamp, record';
        this.#newest = connection.prepare<[string], RecordRow>(
            `SELECT ${columns} FROM "${table}" WHERE key = +? ORDER BY revision DESC LIMIT 1`
        );
        this.#ofKey = connection.prepare<[string], RecordRow>(
            `SELECT ${columns} FROM "${table}" WHERE key = +? ORDER BY revision`
        );
        this.#after = connection.prepare<[number, number], RecordRow>(
            `SELECT ${columns} FROM "${table}" WHERE revision > ? ORDER BY revision LIMIT +?`
        );
        this.#currentAfter = connection.prepare<[number, number], RecordRow>(
            `SELECT ${columns} FROM "${table}" AS entry WHERE revision > ?
                AND revision = (SELECT max(revision) FROM "${table}" WHERE key = entry.key)
                ORDER BY revision LIMIT +?`
        );
        this.#head = connection.prepare<[], number>(`SELECT coalesce(max(revision), 0) FROM "${table}"`).pluck();
        this.#insert = connection.prepare<[string, number, string | null]>(
            `INSERT INTO "${table}" (key, timestamp, record) VALUES (?, ?, ?)`
        );
        this.#removeOld = connection.prepare<[string, number | string]>(
            `DELETE FROM "${table}" WHERE key = +? AND ${
                history === 1
                    ? 'revision < ?'
                    : `revision <= (SELECT revision FROM "${table}" WHERE key = +? ORDER BY revision DESC LIMIT 1 OFFSET ${history})`
            }`
        );
        this.#dataVersion = connection.prepare<[], number>('PRAGMA data_version').pluck();
        this.#history = history;
    }

    /** Another number than before: another connection has written. */
    dataVersion(): number {
        return this.#dataVersion.get() ?? 0;
    }

    /** The newest revision of a key. */
    newest(key: string): RecordRow | undefined {
        return this.#newest.get(key);
    }

    /**
     * The same, outside of transactions. For a key that was asked for lately it takes no more than a look whether another
     * connection has written, which is a third of the time.
     */
    newestKnown(key: string): RecordRow | undefined {
        const dataVersion = this.dataVersion();
        if (dataVersion !== this.#knownAt || this.#known.size >= MOST_KNOWN) {
            this.#known.clear();
            this.#knownAt = dataVersion;
        }
        const known = this.#known.get(key);
        if (known !== undefined || this.#known.has(key)) {
            return known;
        }
        const row = this.newest(key);
        if ((row?.record?.length ?? 0) <= LONGEST_KNOWN) {
            this.#known.set(key, row);
        }
        return row;
    }

    /** All revisions of a key that are there, oldest first. */
    ofKey(key: string): readonly RecordRow[] {
        return this.#ofKey.all(key);
    }

    /** The first revisions after one, of all keys. */
    after(revision: number, limit: number): readonly RecordRow[] {
        return this.#after.all(revision, limit);
    }

    /** The same, less those that a newer one of their key has replaced. */
    currentAfter(revision: number, limit: number): readonly RecordRow[] {
        return this.#currentAfter.all(revision, limit);
    }

    /** The largest revision; 0 when there is none. */
    head(): number {
        return checkNumber('revision', this.#head.get() ?? 0);
    }

    /** Writes a revision of a key, and removes those that are more than are kept. */
    append(key: string, record: string | null): number {
        // Nothing is written yet when it throws; the new revision would be above that one.
        this.head();
        this.#known.delete(key);
        const revision = Number(this.#insert.run(key, Date.now(), record).lastInsertRowid);
        this.#removeOld.run(key, this.#history === 1 ? revision : key);
        return revision;
    }
}

/** Reads a revision, or tells why it is none of ours. */
export function readEntry({ revision, key, timestamp, record }: RecordRow): WatermarkChange | CorruptRecordError {
    if (record === null) {
        return { type: 'delete', key, revision, timestamp };
    }
    if (!Number.isSafeInteger(revision) || revision < 1) {
        return new CorruptRecordError(key, revision, 'its revision is not one that this library gives');
    }
    const decoded = decodeRecord(record);
    return decoded.ok
        ? { type: 'set', watermark: { key, ...decoded.content, timestamp, revision } }
        : new CorruptRecordError(key, revision, decoded.reason);
}
