import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import Database from '@rocicorp/zero-sqlite3';

import { openWatermarkStore, type WatermarkStore, type ZqliteOptions } from '../../src/store.js';

import { recordLog } from '../../../../test/support/expectations.js';

export { eventually, recordLog, rejectionOf } from '../../../../test/support/expectations.js';

/** A folder for one test, with the path of a database in it, that is removed with all it holds. */
export class Place implements AsyncDisposable {
    readonly folder = mkdtempSync(join(tmpdir(), 'zqlite-'));
    readonly database = join(this.folder, 'watermarks.db');
    readonly #stores: WatermarkStore[] = [];

    /** Opens a store on the file, which is closed at the end of the test. */
    async open(options: Partial<ZqliteOptions> = {}): Promise<WatermarkStore> {
        const store = await openWatermarkStore({ database: this.database, logger: recordLog(), ...options });
        this.#stores.push(store);
        return store;
    }

    /** Does something to the file as another program would. */
    sql<T>(run: (connection: Database.Database) => T, path = this.database): T {
        const connection = new Database(path, { timeout: 5_000 });
        try {
            return run(connection);
        } finally {
            connection.close();
        }
    }

    /** The names of the files in the folder. */
    get files(): string[] {
        return readdirSync(this.folder).sort();
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await Promise.all(this.#stores.map(store => store.close()));
        rmSync(this.folder, { recursive: true, force: true });
    }
}

/** Where a store can be, for what holds wherever it is. */
export const places = [
    { place: 'in memory', options: { database: ':memory:' } },
    { place: 'in a file', options: {} }
] as const;
