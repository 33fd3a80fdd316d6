import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { BackendUnderTest, Capabilities } from '@cbnsndwch/zero-contracts/testing';
import Sqlite from '@rocicorp/zero-sqlite3';

import { openWatermarkStore } from '../../src/store.js';

const HISTORY = 64;

/** What holds wherever the database is. */
const COMMON: Capabilities = {
    history: HISTORY,
    retention: true,
    tokenOrder: true,
    keyLimit: 3_000,
    dataLimit: 1_048_576,
    tokenLimit: 1_048_577
};

/** A database in memory: whoever opens it has it for itself, and it goes with the store. */
export const memoryUnderTest: BackendUnderTest = {
    name: 'SQLite in memory',
    capabilities: COMMON,
    open: (_, { instance: __, ...options }) =>
        openWatermarkStore({ ...options, database: ':memory:', history: HISTORY })
};

/** Files in a folder of their own; a space is a file. */
export class SqliteFiles implements Disposable {
    readonly #folder = mkdtempSync(join(tmpdir(), 'zero-watermark-zqlite-'));
    #copies = 0;

    /** Options with which a space is opened. */
    optionsOf(space: string) {
        return { database: this.#pathOf(space), history: HISTORY };
    }

    readonly capabilities: Capabilities = {
        ...COMMON,
        instances: true,
        durable: true,
        storeForeignRecord: async (space, key) => {
            const connection = new Sqlite(this.#pathOf(space));
            try {
                connection
                    .prepare<[string, number, string]>(
                        'INSERT INTO watermarks (key, timestamp, record) VALUES (?, ?, ?)'
                    )
                    .run(key, Date.now(), 'garbage');
            } finally {
                connection.close();
            }
        },
        wipe: async space => {
            for (const suffix of ['', '-wal', '-shm']) {
                rmSync(this.#pathOf(space) + suffix, { force: true });
            }
        },
        backup: async space => {
            const copy = this.#pathOf(`${space}-copy-${(this.#copies += 1)}`);
            const connection = new Sqlite(this.#pathOf(space));
            try {
                connection.prepare<[string], void>('VACUUM INTO ?').run(copy);
            } finally {
                connection.close();
            }
            return async () => {
                copyFileSync(copy, `${copy}-again`);
                renameSync(`${copy}-again`, this.#pathOf(space));
            };
        },
        backupWhileOpen: true
    };

    [Symbol.dispose](): void {
        rmSync(this.#folder, { recursive: true, force: true });
    }

    #pathOf(space: string): string {
        return join(this.#folder, `${space}.db`);
    }
}
