// @ts-check
import Database from '@rocicorp/zero-sqlite3';

import { inARow } from '../shared/rounds.mjs';

/** @typedef {import('../shared/rounds.mjs').Runner} Runner */

/**
 * Prepared statements and nothing else, in the tables of the store and in the same words: the least that anybody can do
 * who keeps watermarks in SQLite as safely. It blocks the process, knows of no other process, and checks nothing.
 */
export class RawStatements {
    #connection;
    #begin;
    #insert;
    #removeOld;
    #commit;
    #newest;

    /** @param {Database.Database} connection */
    constructor(connection) {
        this.#connection = connection;
        this.#begin = connection.prepare('BEGIN IMMEDIATE');
        this.#commit = connection.prepare('COMMIT');
        this.#insert = connection.prepare('INSERT INTO watermarks (key, timestamp, record) VALUES (?, ?, ?)');
        this.#removeOld = connection.prepare('DELETE FROM watermarks WHERE key = +? AND revision < ?');
        this.#newest = connection.prepare(
            'SELECT revision, key, timestamp, record FROM watermarks WHERE key = +? ORDER BY revision DESC LIMIT 1'
        );
    }

    /**
     * Opens a file in which the store has made its tables.
     *
     * @param {string} path
     */
    static open(path) {
        const connection = new Database(path, { fileMustExist: true });
        connection.pragma('journal_mode = wal');
        connection.pragma('synchronous = full');
        return new RawStatements(connection);
    }

    /**
     * Writes watermarks, so many in a transaction, as the store does when so many callers wait.
     *
     * @param {number} size
     * @param {() => { key: string, version: string, data: object }} next
     * @returns {Runner}
     */
    setting(size, next) {
        return inARow(() => {
            this.#begin.run();
            for (let written = 0; written < size; written += 1) {
                const { key, version, data } = next();
                const record = JSON.stringify({ format: 1, version, data });
                const { lastInsertRowid } = this.#insert.run(key, Date.now(), record);
                this.#removeOld.run(key, lastInsertRowid);
            }
            this.#commit.run();
            return size;
        });
    }

    /**
     * @param {() => string} nextKey
     * @returns {Runner}
     */
    getting(nextKey) {
        return inARow(() => {
            const { record } = /** @type {{ record: string }} */ (this.#newest.get(nextKey()));
            JSON.parse(record);
            return 1;
        });
    }

    close() {
        this.#connection.close();
    }
}
