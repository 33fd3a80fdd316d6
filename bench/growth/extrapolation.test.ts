import { expect, test } from 'vitest';

import { extrapolate } from './extrapolation.mjs';

const table = (...values: readonly [name: string, ...cells: number[]][]) => ({
    kind: 'table' as const,
    name: 'by things',
    heading: 'things',
    columns: ['MB', 'ms'].map(name => ({ name, digits: 0 })),
    rows: values.map(([name, ...cells]) => ({ name, cells }))
});

test('a line through the two before the last says what the last one ought to be, and what more would be', () => {
    const [part] = extrapolate(
        'said',
        [table(['10', 9, 9], ['1,000', 20, 5], ['2,000', 30, 5], ['5,000', 70, 6])],
        ['MB', 'ms']
    );
    expect(part).toMatchObject({
        columns: ['said for 5,000', 'measured with 5,000', 'said for 10,000', 'said for 50,000'].map(name => ({
            name
        })),
        rows: [
            { name: 'MB', cells: [60, 70, 110, 510] },
            { name: 'ms', cells: [5, 6, 5, 5] }
        ]
    });
});

test('two lines are too few', () => {
    expect(extrapolate('said', [table(['1,000', 20, 5], ['2,000', 30, 5])], ['MB'])).toEqual([]);
});
