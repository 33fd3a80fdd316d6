import { describe, expect, test } from 'vitest';

import { InvalidSchemaError, parseSchema } from './parse-schema.js';
import { fingerprintOf, tablesOf, UnknownPublicationError } from './schema.js';

const item = { primaryKey: ['id'], columns: { id: 'string', count: 'number', note: 'json?' } };

function problemsOf(source: unknown): readonly string[] {
    try {
        parseSchema(source);
    } catch (error) {
        if (error instanceof InvalidSchemaError) {
            return error.problems;
        }
        throw error;
    }
    return [];
}

describe('a schema', () => {
    test('is read', () => {
        const { tables, publications } = parseSchema({ tables: { item }, publications: { all: ['item'] } });
        expect(tables.get('item')?.primaryKey).toEqual(['id']);
        expect([...(tables.get('item')?.columns ?? [])]).toEqual([
            ['id', { type: 'string', optional: false }],
            ['count', { type: 'number', optional: false }],
            ['note', { type: 'json', optional: true }]
        ]);
        expect([...publications]).toEqual([['all', ['item']]]);
    });

    test.each([undefined, null, [], {}, { tables: {} }, { tables: [] }])('%j is none', source => {
        expect(problemsOf(source)).toEqual(['expected an object with "tables", and at least one table in it']);
    });

    test('tells of all its problems at once', () => {
        const problems = problemsOf({
            tables: {
                'a.b': item,
                none: {},
                key: { primaryKey: ['id', 'gone', 'data'], columns: { id: 'string?', data: 'json', '0': 'text' } }
            },
            publications: { some: ['unknown'] }
        });
        expect(problems).toEqual([
            'table "a.b": expected a letter, then letters, digits and _ (at most 63)',
            'none: expected "columns", an object from names to types',
            'none: expected "primaryKey", a list of one or more different columns',
            'key.0: expected a letter, then letters, digits and _ (at most 63)',
            'key.0: expected string, number, boolean or json, with ? if it may be missing',
            'key: the primary key has id; expected a column that is not json and not optional',
            'key: the primary key has gone; expected a column that is not json and not optional',
            'key: the primary key has data; expected a column that is not json and not optional',
            'publication some: expected a list of tables of this schema'
        ]);
    });
});

describe('publications', () => {
    const schema = parseSchema({
        tables: { a: item, b: item, c: item },
        publications: { one: ['b'], two: ['b', 'c'] }
    });

    test('name the tables that are published; without one, all are', () => {
        expect([...tablesOf(schema, []).keys()]).toEqual(['a', 'b', 'c']);
        expect([...tablesOf(schema, ['two', 'one']).keys()]).toEqual(['b', 'c']);
    });

    test('that are not there are refused', () => {
        expect(() => tablesOf(schema, ['three'])).toThrow(UnknownPublicationError);
        expect(() => tablesOf(schema, ['three'])).toThrow('"three" is not in the schema, which has: one, two');
    });
});

describe('the fingerprint', () => {
    const fingerprint = (tables: object) => fingerprintOf(parseSchema({ tables }).tables);

    test('does not depend on the order of tables and columns', () => {
        const turned = { ...item, columns: { note: 'json?', count: 'number', id: 'string' } };
        expect(fingerprint({ a: item, b: turned })).toBe(fingerprint({ b: item, a: item }));
    });

    test('changes with every table, column, type and key', () => {
        const others = [
            { b: item },
            { a: item, b: item },
            { a: { ...item, columns: { ...item.columns, more: 'string' } } },
            { a: { ...item, columns: { ...item.columns, note: 'json' } } },
            { a: { ...item, primaryKey: ['count'] } }
        ];
        expect(new Set([{ a: item }, ...others].map(fingerprint)).size).toBe(6);
    });
});
