import type { v0 } from '@rocicorp/zero/change-protocol/v0';

import type { ColumnType, TableSchema } from './schema.js';

type TableSpec = v0.TableCreate['spec'];

/** PostgreSQL's types, in which the protocol speaks, for Zero's. */
const DATA_TYPES: Readonly<Record<ColumnType, string>> = {
    string: 'text',
    number: 'double precision',
    boolean: 'bool',
    json: 'json'
};

/** A table as the protocol describes it. */
export function tableSpecOf({ name, primaryKey, columns }: TableSchema): TableSpec {
    return {
        schema: 'public',
        name,
        primaryKey: [...primaryKey],
        columns: Object.fromEntries(
            [...columns].map(([column, { type, optional }], pos) => [
                column,
                { pos, dataType: DATA_TYPES[type], notNull: !optional && type !== 'json' }
            ])
        )
    };
}

/**
 * The three tables that zero-cache 1.9 demands of every upstream at the initial sync, where it keeps what clients have
 * mutated and who may read what.
 */
export function requiredTables(appId: string, shardNum: number): readonly TableSpec[] {
    const text = (pos: number, notNull = true) => ({ pos, dataType: 'text', notNull });
    const shard = `${appId}_${shardNum}`;
    return [
        {
            schema: appId,
            name: 'permissions',
            primaryKey: ['lock'],
            columns: {
                permissions: { pos: 0, dataType: 'json', notNull: false },
                hash: text(1, false),
                lock: { pos: 2, dataType: 'bool', notNull: true }
            }
        },
        {
            schema: shard,
            name: 'clients',
            primaryKey: ['clientGroupID', 'clientID'],
            columns: {
                clientGroupID: text(0),
                clientID: text(1),
                lastMutationID: { pos: 2, dataType: 'bigint', notNull: true },
                userID: text(3, false)
            }
        },
        {
            schema: shard,
            name: 'mutations',
            primaryKey: ['clientGroupID', 'clientID', 'mutationID'],
            columns: {
                clientGroupID: text(0),
                clientID: text(1),
                mutationID: { pos: 2, dataType: 'bigint', notNull: true },
                mutation: { pos: 3, dataType: 'json', notNull: true }
            }
        }
    ];
}

/** The one row of the permissions table: none are defined, so clients ask by named queries only. */
export const NO_PERMISSIONS = { lock: true, permissions: null, hash: null } as const;
