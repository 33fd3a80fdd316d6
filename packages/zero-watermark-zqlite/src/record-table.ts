import { CorruptRecordError, type WatermarkEvent } from '@cbnsndwch/zero-contracts';
import { decodeRecord } from '@cbnsndwch/zero-contracts/backend';

import type { Connection } from './sqlite.js';

/** What a revision says about a key. */
export type RecordEntry = Exclude<WatermarkEvent, { type: 'current-complete' }>;

/** A revision as it is stored. */
export interface RecordRow {
    readonly revision: number;
    readonly key: string;
    readonly timestamp: number;
    /** `null`: the key was deleted. */
    readonly record: string | null;
}

/** The revisions of all keys: prepared statements on one connection, each of them a single step. */
export class RecordTable {
    readonly #newest;
    readonly #ofKey;
    readonly #after;
    readonly #currentAfter;
    readonly #head;
    readonly #insert;
    readonly #removeOld;

    /** @param history how many revisions of a key are kept */
    constructor(connection: Connection, table: string, history: number) {
        const columns = 'revision, key, timestamp, record';
        this.#newest = connection.prepare<[string], RecordRow>(
            `SELECT ${columns} FROM "${table}" WHERE key = ? ORDER BY revision DESC LIMIT 1`
        );
        this.#ofKey = connection.prepare<[string], RecordRow>(
            `SELECT ${columns} FROM "${table}" WHERE key = ? ORDER BY revision`
        );
        this.#after = connection.prepare<[number, number], RecordRow>(
            `SELECT ${columns} FROM "${table}" WHERE revision > ? ORDER BY revision LIMIT ?`
        );
        this.#currentAfter = connection.prepare<[number, number], RecordRow>(
            `SELECT ${columns} FROM "${table}" AS entry WHERE revision > ?
                AND revision = (SELECT max(revision) FROM "${table}" WHERE key = entry.key)
                ORDER BY revision LIMIT ?`
        );
        this.#head = connection.prepare<[], number>(`SELECT coalesce(max(revision), 0) FROM "${table}"`).pluck();
        this.#insert = connection.prepare<[string, number, string | null]>(
            `INSERT INTO "${table}" (key, timestamp, record) VALUES (?, ?, ?)`
        );
        this.#removeOld = connection.prepare<[string]>(
            `DELETE FROM "${table}" WHERE revision IN
                (SELECT revision FROM "${table}" WHERE key = ? ORDER BY revision DESC LIMIT -1 OFFSET ${history})`
        );
    }

    /** The newest revision of a key. */
    newest(key: string): RecordRow | undefined {
        return this.#newest.get(key);
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
        return this.#head.get() ?? 0;
    }

    /** Writes a revision of a key, and removes those that are more than are kept. */
    append(key: string, record: string | null): number {
        const { lastInsertRowid } = this.#insert.run(key, Date.now(), record);
        this.#removeOld.run(key);
        return Number(lastInsertRowid);
    }
}

/** Reads a revision, or tells why it is none of ours. */
export function readEntry({ revision, key, timestamp, record }: RecordRow): RecordEntry | CorruptRecordError {
    if (record === null) {
        return { type: 'delete', key, revision, timestamp };
    }
    const decoded = decodeRecord(record);
    return decoded.ok
        ? { type: 'set', watermark: { key, ...decoded.content, timestamp, revision } }
        : new CorruptRecordError(key, revision, decoded.reason);
}
