import Database from '@rocicorp/zero-sqlite3';
import { expect, test } from 'vitest';

import { type Migration, MIGRATIONS, prepareSchema } from './schema.js';
import type { Connection } from './sqlite.js';

const NEXT: readonly Migration[] = [
    ...MIGRATIONS,
    table => `ALTER TABLE "${table}" ADD COLUMN note TEXT; CREATE TABLE "${table}_more" (a INTEGER) STRICT;`
];

function prepare(connection: Connection, tableName: string, migrations = MIGRATIONS, mayCreate = true): void {
    prepareSchema({ sqlite: Database, connection, path: 'x.db', tableName, mayCreate, migrations });
}

function stateOf(connection: Connection) {
    return {
        version: connection.pragma('user_version', { simple: true }),
        tables: connection.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').pluck().all()
    };
}

test('makes the tables once', () => {
    const connection = new Database(':memory:');
    prepare(connection, 'watermarks');
    const made = stateOf(connection);
    expect(made.version).toBe(MIGRATIONS.length);
    expect(made.tables).toHaveLength(6);
    prepare(connection, 'watermarks');
    prepare(connection, 'WATERMARKS');
    expect(stateOf(connection)).toEqual(made);
});

test('brings all stores of a file to the newest version at once, and keeps what is in them', () => {
    const connection = new Database(':memory:');
    prepare(connection, 'watermarks');
    prepare(connection, 'others');
    connection.exec(`INSERT INTO watermarks (key, timestamp, record) VALUES ('users', 1, '{}')`);
    prepare(connection, 'watermarks', NEXT);
    expect(stateOf(connection).version).toBe(2);
    expect(connection.prepare('SELECT * FROM watermarks').all()).toEqual([
        { revision: 1, key: 'users', timestamp: 1, record: '{}', note: null }
    ]);
    prepare(connection, 'others', NEXT);
    prepare(connection, 'new_one', NEXT);
    for (const table of ['watermarks', 'others', 'new_one']) {
        connection.exec(`INSERT INTO ${table}_more VALUES (1); UPDATE ${table} SET note = 'x'`);
    }
    expect(() => prepare(connection, 'watermarks')).toThrow('has schema version 2, which a newer release made');
});

test('a step that fails leaves everything as it was', () => {
    const connection = new Database(':memory:');
    prepare(connection, 'watermarks');
    const before = stateOf(connection);
    const failing = [...NEXT, () => 'CREATE TABLE broken (a INTEGER) STRICT; SELECT nonsense'];
    expect(() => prepare(connection, 'watermarks', failing)).toThrow('nonsense');
    expect(() => prepare(connection, 'others', failing)).toThrow('nonsense');
    expect(stateOf(connection)).toEqual(before);
    expect(connection.inTransaction).toBe(false);
});

test('tables that must be there are not made', () => {
    const connection = new Database(':memory:');
    prepare(connection, 'watermarks');
    expect(() => prepare(connection, 'others', MIGRATIONS, false)).toThrow('has no tables "others" any more');
    expect(stateOf(connection).tables).toHaveLength(6);
});
