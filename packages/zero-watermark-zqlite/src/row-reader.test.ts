import Database from '@rocicorp/zero-sqlite3';
import { expect, test } from 'vitest';

import { RecordTable } from './record-table.js';
import { RowReader } from './row-reader.js';
import { MIGRATIONS, prepareSchema } from './schema.js';

function tableOf(...keys: readonly string[]): RecordTable {
    const connection = new Database(':memory:');
    const tableName = 'watermarks';
    prepareSchema({ sqlite: Database, connection, path: 'x.db', tableName, mayCreate: true, migrations: MIGRATIONS });
    const table = new RecordTable(connection, tableName, 1);
    keys.forEach(key => table.append(key, '{}'));
    return table;
}

test('begins anew, and says so, when the database has become another one, however much is in it', () => {
    let setBacks = 0;
    const reader = RowReader.fromStart(() => (setBacks += 1));
    const keysIn = (table: RecordTable) => reader.next(table).map(({ key }) => key);
    expect(keysIn(tableOf())).toEqual([]);
    const first = tableOf('a', 'b');
    expect([keysIn(first), setBacks]).toEqual([['a', 'b'], 0]);
    first.append('c', '{}');
    expect([keysIn(first), setBacks]).toEqual([['c'], 0]);
    expect([keysIn(tableOf('d', 'e', 'f', 'g')), setBacks]).toEqual([['d', 'e', 'f', 'g'], 1]);
    expect([keysIn(tableOf('h')), setBacks]).toEqual([['h'], 2]);
});
