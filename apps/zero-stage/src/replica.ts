import Database from '@rocicorp/zero-sqlite3';

import { type NetworkRow, type QuakeRow, type Rows, SCHEMA } from './rows.js';

/** zero-cache's replica as it is now. */
export interface Replica {
    /** The watermark of the initial sync that it was made by. */
    readonly replicaVersion: string;
    /** The watermark that it is at. */
    readonly stateVersion: string;
    has(quakeId: string): boolean;
    /** How many rows there are in all tables. */
    count(): number;
    rows(): Rows;
}

/** Reads the replica while zero-cache runs; only zero-sqlite3 knows its journal, wal2. */
export function readReplica<T>(file: string, read: (replica: Replica) => T): T {
    const database = new Database(file, { readonly: true, fileMustExist: true });
    const get = (sql: string, ...values: readonly unknown[]) =>
        database.prepare(sql).get(...values) as Record<string, unknown>;
    const countOf = (table: keyof Rows) => Number(get(`SELECT count(*) AS n FROM ${table}`)['n']);
    const allOf = (table: keyof Rows) =>
        (database.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[]).map(row => decode(table, row));
    try {
        return read({
            replicaVersion: String(get('SELECT replicaVersion FROM "_zero.replicationConfig"')['replicaVersion']),
            stateVersion: String(get('SELECT stateVersion FROM "_zero.replicationState"')['stateVersion']),
            has: quakeId => get('SELECT count(*) AS n FROM quake WHERE id = ?', quakeId)['n'] === 1,
            count: () => countOf('quake') + countOf('network'),
            rows: () => ({ quake: allOf('quake') as QuakeRow[], network: allOf('network') as NetworkRow[] })
        });
    } finally {
        database.close();
    }
}

/** A row as it was written: SQLite has neither booleans nor JSON, and there are columns of zero-cache's own. */
function decode(table: keyof Rows, row: Record<string, unknown>): unknown {
    const values = Object.entries(SCHEMA.tables[table].columns).map(([column, type]) => {
        const value = row[column];
        const decoded = type === 'boolean' ? value === 1 : type === 'json' ? JSON.parse(String(value)) : value;
        return [column, value === null ? null : decoded] as const;
    });
    return Object.fromEntries(values);
}
