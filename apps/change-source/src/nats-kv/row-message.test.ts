import { describe, expect, test } from 'vitest';

import { parseSchema } from '../schema/parse-schema.js';
import { interpret, type RowMessage } from './row-message.js';

const { tables } = parseSchema({
    tables: { item: { primaryKey: ['id'], columns: { id: 'string', count: 'number', note: 'string?' } } }
});

function message(key: string, text: string, isDeleted = false): RowMessage {
    return { key, sequence: 7, storedAt: 0, pending: 0, isDeleted, data: new TextEncoder().encode(text) };
}

const gone = { kind: 'delete', table: 'item', key: { id: 'a' } };

describe('a revision of a key', () => {
    test('is a row', () => {
        expect(interpret(tables, message('item.a', '{"count":1}'))).toEqual({
            change: { kind: 'put', table: 'item', row: { id: 'a', count: 1, note: null } }
        });
    });

    test('takes the row away when it is deleted', () => {
        expect(interpret(tables, message('item.a', '', true))).toEqual({ change: gone });
    });

    test.each([
        ['no JSON', 'expected JSON'],
        ['[]', 'expected a JSON object'],
        ['{}', 'column count: expected number, found nothing'],
        ['{"count":"1"}', 'column count: expected number, found string'],
        ['{"id":"b","count":1}', 'column id: differs from the key']
    ])('takes the row away when it is none: %s', (text, problem) => {
        const { change, problem: found } = interpret(tables, message('item.a', text));
        expect(change).toEqual(gone);
        expect(found).toContain(`key "item.a", revision 7: ${problem}`);
    });

    test.each(['other.a', 'item', 'items.a', '.a'])('is nothing when its table is not ours: %s', key => {
        expect(interpret(tables, message(key, '{"count":1}'))).toEqual({});
    });

    test('can have anything in its key without reaching the terminal of whoever reads the log', () => {
        const { problem } = interpret(tables, message('item.\u001B[2Ja\u0007', '{}'));
        expect(problem).toContain('key "item.\\u001b[2Ja\\u0007", revision 7: ');
    });

    test('is left out when its key is no key of a row', () => {
        expect(interpret(tables, message('item.=2', '{"count":1}'))).toEqual({
            problem: 'key "item.=2", revision 7: expected item.<id>; it is left out'
        });
    });
});
