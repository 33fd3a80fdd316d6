import { describe, expect, test } from 'vitest';

import { outgoingTransactions, WatermarkOrderError } from './outgoing.js';

const three = ['a', 'b', 'c'].map(name => ({ position: name, messages: [name] }));

describe('what is sent together', () => {
    test('is one transaction with the watermark of its last change', () => {
        expect(outgoingTransactions(three, ['11', '12', '13'], '10', '')).toEqual([
            { watermark: '13', messages: ['a', 'b', 'c'] }
        ]);
    });

    test('that was sent before does not end at the head while there is more to come', () => {
        expect(outgoingTransactions(three, ['11', '12', '13'], '10', '15')).toHaveLength(1);
    });

    test.each([
        ['in the middle', '12', [['a', 'b'], ['c']]],
        ['at the end', '13', [['a', 'b', 'c']]],
        ['between two', '11x', [['a'], ['b', 'c']]],
        ['before all, which have changed again since', '10x', [[], ['a', 'b', 'c']]]
    ])('ends at a head that is %s', (_, head, messages) => {
        const transactions = outgoingTransactions(three, ['11', '12', '13'], '10', head);
        expect(transactions.map(transaction => transaction.messages)).toEqual(messages);
        expect(transactions[0]?.watermark).toBe(head);
        expect(transactions.at(-1)?.watermark).toBe('13');
    });

    test('needs no end at a head that zero-cache has', () => {
        expect(outgoingTransactions(three, ['11', '12', '13'], '10', '10')).toHaveLength(1);
    });

    test.each([
        ['below what zero-cache has', ['09', '11', '12']],
        ['as what zero-cache has', ['10', '11', '12']],
        ['twice', ['11', '11', '12']],
        ['turned round', ['11', '13', '12']]
    ])('is refused with a watermark %s', (_, watermarks) => {
        expect(() => outgoingTransactions(three, watermarks, '10', '')).toThrow(WatermarkOrderError);
    });
});
