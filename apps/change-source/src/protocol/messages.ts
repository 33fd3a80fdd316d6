import type { v0 } from '@rocicorp/zero/change-protocol/v0';

import type { Row } from '../schema/row.js';
import type { TableSchema } from '../schema/schema.js';
import { NO_PERMISSIONS, requiredTables, tableSpecOf } from '../schema/zero-tables.js';
import type { RowChange } from '../upstream/upstream-source.js';

type TableSpec = v0.TableCreate['spec'];

/** `begin` and `commit` carry the same watermark: zero-cache ends, and does so again after each restart, when they differ. */
export function begin(watermark: string): v0.Begin {
    return ['begin', { tag: 'begin' }, { commitWatermark: watermark }];
}

export function commit(watermark: string): v0.Commit {
    return ['commit', { tag: 'commit' }, { watermark }];
}

/** zero-cache has to give up its replica and begin with an initial sync. */
export function resetRequired(message: string): v0.ChangeStreamControl {
    return ['control', { tag: 'reset-required', message }];
}

/** The change of a row, or `undefined` when its table is not published to this zero-cache. */
export function dataOf(tables: ReadonlyMap<string, TableSchema>, change: RowChange): v0.Data | undefined {
    const table = tables.get(change.table);
    if (table === undefined) {
        return undefined;
    }
    const relation = relationOf({ schema: 'public', ...table });
    switch (change.kind) {
        case 'put':
            // zero-cache stores an insert over whatever row is there.
            return ['data', { tag: 'insert', relation, new: json(change.row) }];
        case 'update': {
            const key = change.oldKey === undefined ? null : json(change.oldKey);
            return ['data', { tag: 'update', relation, key, new: json(change.row) }];
        }
        case 'delete':
            return ['data', { tag: 'delete', relation, key: json(change.key) }];
    }
}

/** What the transaction of an initial sync begins with: all tables, and the one row that is not the upstream's. */
export function schemaMessages(
    tables: ReadonlyMap<string, TableSchema>,
    appId: string,
    shardNum: number
): readonly v0.Data[] {
    const required = requiredTables(appId, shardNum);
    const specs = [...[...tables.values()].map(tableSpecOf), ...required];
    const permissions = required.filter(({ name }) => name === 'permissions');
    return [
        ...specs.flatMap(createTable),
        ...permissions.map((spec): v0.Data => [
            'data',
            { tag: 'insert', relation: relationOf(spec), new: { ...NO_PERMISSIONS } }
        ])
    ];
}

/** A table and its unique index; without the index the replica's table has no key, whatever the table's own spec says. */
function createTable(spec: TableSpec): v0.Data[] {
    const columns = Object.fromEntries((spec.primaryKey ?? []).map(column => [column, 'ASC' as const]));
    return [
        ['data', { tag: 'create-table', spec }],
        [
            'data',
            {
                tag: 'create-index',
                spec: { schema: spec.schema, tableName: spec.name, name: `${spec.name}_pkey`, unique: true, columns }
            }
        ]
    ];
}

function relationOf(table: {
    readonly schema: string;
    readonly name: string;
    readonly primaryKey?: readonly string[] | undefined;
}) {
    const { schema, name, primaryKey = [] } = table;
    return { schema, name, rowKey: { columns: [...primaryKey] } };
}

/** The protocol's types don't know `readonly`. */
function json(row: Row): Record<string, v0.JSONValue> {
    return row as Record<string, v0.JSONValue>;
}
