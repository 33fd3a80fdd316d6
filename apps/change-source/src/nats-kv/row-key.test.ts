import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseSchema } from '../schema/parse-schema.js';
import type { TableSchema } from '../schema/schema.js';
import { decodeRowKey, encodeRowKey } from './row-key.js';

const { tables } = parseSchema({
    tables: {
        one: { primaryKey: ['id'], columns: { id: 'string' } },
        several: { primaryKey: ['a', 'n', 'b', 'z'], columns: { a: 'string', n: 'number', b: 'boolean', z: 'string' } },
        number: { primaryKey: ['n'], columns: { n: 'number' } }
    }
});
const table = (name: string) => tables.get(name) as TableSchema;

describe('keys of rows', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    const row = fc.record({
        a: text,
        n: fc.double({ noNaN: true, noDefaultInfinity: true }),
        b: fc.boolean(),
        z: text
    });

    test('are what NATS allows, and lead back to the row', () => {
        fc.assert(
            fc.property(row, values => {
                fc.pre(!Object.is(values.n, -0));
                const key = encodeRowKey(table('several'), values);
                expect(key).toMatch(/^[-/=.\w]+$/);
                expect(key).not.toMatch(/^\.|\.\.|\.$/);
                expect(decodeRowKey(table('several'), key)).toEqual(values);
            })
        );
    });

    test('differ when rows do', () => {
        fc.assert(
            fc.property(text, text, (a, b) => {
                fc.pre(a !== b);
                expect(encodeRowKey(table('one'), { id: a })).not.toBe(encodeRowKey(table('one'), { id: b }));
            })
        );
    });

    test.each([
        ['jane.doe', 'jane.doe'],
        ['jane@doe', 'jane=40doe'],
        ['.a..b.', '=2Ea.=2Eb=2E'],
        ['ü=', '=C3=BC=3D'],
        ['a/b-c_d', 'a/b-c_d']
    ])('%s is written %s', (id, key) => {
        expect(encodeRowKey(table('one'), { id })).toBe(key);
        expect(decodeRowKey(table('one'), key)).toEqual({ id });
    });

    test.each([
        ['one', 'a=2Db'],
        ['one', 'a=3d'],
        ['one', 'a='],
        ['one', ''],
        ['one', '=FF'],
        ['number', '007'],
        ['number', 'x'],
        ['number', 'Infinity'],
        ['several', 'a.1.true'],
        ['several', 'a.1.yes.z']
    ])('of table %s, %s is none', (name, key) => {
        expect(decodeRowKey(table(name), key)).toBeUndefined();
    });
});
