import Database from '@rocicorp/zero-sqlite3';

import { type Rows, SCHEMA } from './rows.js';

/** zero-cache's replica as it is now. */
export interface Replica {
    /** The watermark of the initial sync that it was made by. */
    readonly replicaVersion: string;
    /** The watermark that it is at. */
    readonly stateVersion: string;
    has(quakeId: string): boolean;
    count(): number;
    rows(): Rows;
}

/** Reads the replica while zero-cache runs; only zero-sqlite3 knows its journal, wal2. */
export function readReplica<T>(file: string, read: (replica: Replica) => T): T {
    const database = new Database(file, { readonly: true, fileMustExist: true });
    try {
        const get = (sql: string, ...values: readonly unknown[]) =>
            database.prepare(sql).get(...values) as Record<string, unknown>;
        const tables = ['quake', 'network'] as const;
        return read({
            replicaVersion: String(get('SELECT replicaVersion FROM "_zero.replicationConfig"')['replicaVersion']),
            stateVersion: String(get('SELECT stateVersion FROM "_zero.replicationState"')['stateVersion']),
            has: quakeId => get('SELECT count(*) AS n FROM quake WHERE id = ?', quakeId)['n'] === 1,
            count: () =>
                tables.reduce((sum, table) => sum + Number(get(`SELECT count(*) AS n FROM ${table}`)['n']), 0),
            rows: () => {
                const [quake, network] = tables.map(table =>
                    database
                        .prepare(`SELECT * FROM ${table}`)
                        .all()
                        .map(row => decode(table, row as Record<string, unknown>))
                );
                return { quake, network } as unknown as Rows;
            }
        });
    } finally {
        database.close();
    }
}

/** SQLite has neither booleans nor JSON. Columns that aren't in the schema are zero-cache's own. */
function decode(table: keyof Rows, row: Record<string, unknown>): Record<string, unknown> {
    const columns = Object.entries(SCHEMA.tables[table].columns);
    return Object.fromEntries(
        columns.map(([column, type]) => {
            const value = row[column];
            switch (type) {
                case 'boolean':
                    return [column, value === 1];
                case 'json':
                    return [column, JSON.parse(String(value)) as unknown];
                default:
                    return [column, value];
            }
        })
    );
}
