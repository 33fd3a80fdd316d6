import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import type { Connection, SqliteLibrary } from './sqlite.js';
import { CHOOSE_ANOTHER } from './sqlite-errors.js';

/** Marks a file as ours in SQLite's header ("zwmk"). */
const APPLICATION_ID = 0x7a776d6b;

/** Takes the tables of a store, whose names begin with `table`, from one version to the next. */
export type Migration = (table: string) => string;

/**
 * The tables of a store, version by version. An entry that was released is never changed; a new version is a new entry.
 *
 * `watermarks`: one row a revision. The newest row of a key is its watermark; without a record it says that the key was
 * deleted. A key's newest row is never removed, so that watches of processes that were asleep find it, and so that the
 * largest revision stands there for ever and none is given twice.
 *
 * `…_shards`: `first` is the sequence at which a shard begins: what is below is gone, or was never there. Where watermarks
 * were imported, all of them are below `imported_below`; while they are being imported, the shard is not to be used.
 *
 * `…_tokens`: the sequence is the position in the shard, and so the watermark. The token itself is the index, not its
 * hash: tokens come roughly in their own order, so that a new one goes where the last one went, however many there are.
 * A token that was imported has its watermark beside it.
 */
export const MIGRATIONS: readonly Migration[] = [
    table => `
        CREATE TABLE "${table}" (
            revision INTEGER PRIMARY KEY,
            key TEXT NOT NULL,
            timestamp INTEGER NOT NULL,
            record TEXT
        ) STRICT;
        CREATE INDEX "${table}_by_key" ON "${table}" (key);
        CREATE TABLE "${table}_shards" (
            id INTEGER PRIMARY KEY,
            shard TEXT NOT NULL UNIQUE,
            first INTEGER NOT NULL,
            imported_below TEXT,
            importing INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE "${table}_tokens" (
            shard INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            token TEXT NOT NULL,
            begins_sync INTEGER NOT NULL,
            imported TEXT,
            PRIMARY KEY (shard, sequence)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX "${table}_by_token" ON "${table}_tokens" (shard, token) WHERE NOT begins_sync;
        CREATE UNIQUE INDEX "${table}_by_imported" ON "${table}_tokens" (shard, imported) WHERE imported IS NOT NULL;`
];

/** A database that is to hold the tables of a store. */
export interface SchemaTarget {
    readonly sqlite: SqliteLibrary;
    readonly connection: Connection;
    readonly path: string;
    readonly tableName: string;
    /** Whether the tables may be made; `false`: they were there before. */
    readonly mayCreate: boolean;
    readonly migrations: readonly Migration[];
}

/**
 * Makes the tables, or brings those of an older release up to date, in one transaction.
 *
 * @throws {WatermarkError} `BUCKET_MISMATCH`: not ours, of a newer release, or with other tables under these names.
 *   `BUCKET_NOT_FOUND`: the tables are missing, and may not be made.
 */
export function prepareSchema(target: SchemaTarget): void {
    const { connection, path, migrations } = target;
    checkOurs(connection, path, migrations.length);
    if (versionOf(connection) === migrations.length && hasTables(target)) {
        return;
    }
    connection.exec('BEGIN IMMEDIATE');
    try {
        // Another process may have done it meanwhile.
        checkOurs(connection, path, migrations.length);
        migrate(target);
        connection.exec('COMMIT');
    } catch (error) {
        if (connection.inTransaction) {
            connection.exec('ROLLBACK');
        }
        throw error;
    }
}

/**
 * Refuses the database of another program (one that is marked as such, or that has tables and no mark), and that of a
 * newer release.
 *
 * @throws {WatermarkError} `BUCKET_MISMATCH`
 */
export function checkOurs(connection: Connection, path: string, newestVersion = MIGRATIONS.length): void {
    const applicationId = connection.pragma('application_id', { simple: true });
    if (applicationId === APPLICATION_ID) {
        if (versionOf(connection) > newestVersion) {
            throw mismatch(
                `${path} has schema version ${versionOf(connection)}, which a newer release made; this one knows ${newestVersion}.`,
                'Use that release, or choose another path for the option database.'
            );
        }
        return;
    }
    const tables = connection.prepare<[], string>('SELECT name FROM sqlite_schema ORDER BY name').pluck().all();
    if (applicationId !== 0 || tables.length > 0) {
        const mark = applicationId === 0 ? '' : ` (application_id ${String(applicationId)})`;
        const some = tables.length === 0 ? '' : `; it holds ${tables.slice(0, 5).join(', ')}`;
        throw mismatch(`${path} is the database of another program${mark}${some}.`, CHOOSE_ANOTHER);
    }
}

function migrate(target: SchemaTarget): void {
    const { connection, path, tableName, mayCreate, migrations } = target;
    for (const table of storesIn(connection)) {
        for (const migration of migrations.slice(versionOf(connection))) {
            connection.exec(migration(table));
        }
    }
    if (!hasTables(target)) {
        if (!mayCreate) {
            throw new WatermarkError(
                WatermarkErrorCode.BUCKET_NOT_FOUND,
                `The database ${path} has no tables "${tableName}" any more.`,
                { remediation: 'Open the store anew to have them made.' }
            );
        }
        for (const migration of migrations) {
            connection.exec(migration(tableName));
        }
    }
    connection.pragma(`application_id = ${APPLICATION_ID}`);
    connection.pragma(`user_version = ${migrations.length}`);
}

/** Whether the tables are there, as this release makes them. Other tables under their names are refused. */
function hasTables({ sqlite, connection, path, tableName, migrations }: SchemaTarget): boolean {
    const found = shapeOf(connection, tableName);
    if (found.length === 0) {
        return false;
    }
    const model = new sqlite(':memory:');
    try {
        for (const migration of migrations) {
            model.exec(migration(tableName));
        }
        if (shapeOf(model, tableName).join() !== found.join()) {
            throw mismatch(
                `${path} has other tables under the name "${tableName}".`,
                'Choose another name for the option tableName.'
            );
        }
    } finally {
        model.close();
    }
    return true;
}

/** The columns of the tables of a store, in a form that can be compared. */
function shapeOf(connection: Connection, table: string): readonly string[] {
    const columns = connection
        .prepare<[string], string>(`SELECT name || ' ' || type || ' ' || pk FROM pragma_table_info(?)`)
        .pluck();
    return [table, `${table}_shards`, `${table}_tokens`].flatMap((name, index) =>
        columns.all(name).map(column => `${index} ${column}`)
    );
}

/** What the tables of the stores in the file begin with. */
function storesIn(connection: Connection): string[] {
    const tables = connection.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all();
    return tables.filter(name => tables.includes(`${name}_shards`) && tables.includes(`${name}_tokens`));
}

function versionOf(connection: Connection): number {
    return Number(connection.pragma('user_version', { simple: true }));
}

function mismatch(message: string, remediation: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.BUCKET_MISMATCH, message, { remediation });
}
