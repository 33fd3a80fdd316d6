import { v0 } from '@rocicorp/zero/change-protocol/v0';
import { describe, expect, test } from 'vitest';

import { parseSchema } from '../schema/parse-schema.js';
import type { RowChange } from '../upstream/upstream-source.js';
import { begin, commit, dataOf, resetRequired, schemaMessages } from './messages.js';

const { tables } = parseSchema({
    tables: {
        item: {
            primaryKey: ['a', 'b'],
            columns: { a: 'string', b: 'number', ok: 'boolean', more: 'json', note: 'string?' }
        }
    }
});
const relation = { schema: 'public', name: 'item', rowKey: { columns: ['a', 'b'] } };

/** The message as it is after the wire, if the protocol knows it. */
function overTheWire(message: v0.ChangeStreamMessage | undefined): unknown {
    return v0.changeStreamMessageSchema.parse(JSON.parse(JSON.stringify(message)));
}

describe('messages are the protocol’s', () => {
    test('begin, commit and reset', () => {
        for (const message of [begin('105'), commit('105'), resetRequired('why')]) {
            expect(overTheWire(message)).toEqual(message);
        }
        expect(begin('105')[2].commitWatermark).toBe(commit('105')[2].watermark);
    });

    test.each<[RowChange, unknown]>([
        [
            { kind: 'put', table: 'item', row: { a: 'x', b: 1, ok: true, more: { z: [null] }, note: null } },
            { tag: 'insert', relation, new: { a: 'x', b: 1, ok: true, more: { z: [null] }, note: null } }
        ],
        [
            { kind: 'update', table: 'item', row: { a: 'x', b: 1, ok: false } },
            { tag: 'update', relation, key: null, new: { a: 'x', b: 1, ok: false } }
        ],
        [
            { kind: 'update', table: 'item', row: { a: 'x', b: 2 }, oldKey: { a: 'x', b: 1 } },
            { tag: 'update', relation, key: { a: 'x', b: 1 }, new: { a: 'x', b: 2 } }
        ],
        [
            { kind: 'delete', table: 'item', key: { a: 'x', b: 1 } },
            { tag: 'delete', relation, key: { a: 'x', b: 1 } }
        ]
    ])('a change %#', (change, expected) => {
        expect(overTheWire(dataOf(tables, change))).toEqual(['data', expected]);
    });

    test('a change of a table that is not published is none', () => {
        expect(dataOf(tables, { kind: 'put', table: 'other', row: {} })).toBeUndefined();
    });

    test('the schema: each table with the unique index that makes its key, and the row of permissions', () => {
        const messages = schemaMessages(tables, 'app', 3);
        messages.forEach(message => expect(overTheWire(message)).toEqual(message));
        expect(messages.map(([, change]) => change.tag)).toEqual([
            ...Array.from({ length: 4 }, () => ['create-table', 'create-index']).flat(),
            'insert'
        ]);
        expect(messages[1]?.[1]).toEqual({
            tag: 'create-index',
            spec: {
                schema: 'public',
                tableName: 'item',
                name: 'item_pkey',
                unique: true,
                columns: { a: 'ASC', b: 'ASC' }
            }
        });
        expect(messages[0]?.[1]).toMatchObject({
            spec: {
                columns: {
                    a: { dataType: 'text', notNull: true },
                    b: { dataType: 'double precision', notNull: true },
                    ok: { dataType: 'bool', notNull: true },
                    more: { dataType: 'json' },
                    note: { dataType: 'text', notNull: false }
                }
            }
        });
    });
});
