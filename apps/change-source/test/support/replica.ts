import Database from '@rocicorp/zero-sqlite3';

/** zero-cache's replica as it is now. */
export interface Replica {
    /** The watermark of the initial sync that it was made by. */
    readonly replicaVersion: string;
    /** The watermark that it is at. */
    readonly stateVersion: string;
    rows(table: string): Readonly<Record<string, unknown>>[];
}

/** Reads the replica while zero-cache runs; only zero-sqlite3 knows its journal, wal2. */
export function readReplica<T>(file: string, read: (replica: Replica) => T): T {
    const database = new Database(file, { readonly: true, fileMustExist: true });
    try {
        const get = (sql: string) => database.prepare(sql).get() as Record<string, string>;
        return read({
            replicaVersion: get('SELECT replicaVersion FROM "_zero.replicationConfig"')['replicaVersion'] ?? '',
            stateVersion: get('SELECT stateVersion FROM "_zero.replicationState"')['stateVersion'] ?? '',
            rows: table => {
                const rows = database.prepare(`SELECT * FROM "${table}"`).all() as Record<string, unknown>[];
                return rows.map(({ _0_version: _, ...row }) => row);
            }
        });
    } finally {
        database.close();
    }
}
