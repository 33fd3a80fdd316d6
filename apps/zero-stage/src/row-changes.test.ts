import { expect, test } from 'vitest';

import { changesBetween } from './row-changes.js';

const keyOf = ({ id }: { readonly id: string }) => id;
const a = { id: 'a', n: 1 };
const b = { id: 'b', n: 1 };

test('rows that are the same objects have not changed', () => {
    expect(changesBetween([a, b], [b, a], keyOf)).toEqual([]);
});

test('a new key is an insert, another object an update, a key that is gone a delete', () => {
    const c = { id: 'c', n: 1 };
    const newB = { id: 'b', n: 2 };
    expect(changesBetween([a, b], [newB, c], keyOf)).toEqual([
        { kind: 'update', row: newB },
        { kind: 'insert', row: c },
        { kind: 'delete', row: a }
    ]);
});
