import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { sameJson } from './same-json.js';

test('what JSON gives back is the same', () => {
    fc.assert(
        fc.property(fc.jsonValue(), value => {
            expect(sameJson(value, JSON.parse(JSON.stringify(value)))).toBe(true);
        })
    );
});

test('of two values that JSON gave, as deep equality says', () => {
    const anyValue = fc.jsonValue({ maxDepth: 2 }).map(value => JSON.parse(JSON.stringify(value)) as unknown);
    fc.assert(
        fc.property(anyValue, anyValue, (a, b) => {
            expect(sameJson(a, b)).toBe(isDeepStrictEqual(a, b));
        })
    );
});

test.each<[unknown, unknown, boolean]>([
    [{ a: 1, b: [2, { c: null }] }, { b: [2, { c: null }], a: 1 }, true],
    [0, -0, true],
    [undefined, undefined, true],
    [undefined, {}, false],
    [{ a: null }, { b: null }, false],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [['x'], { 0: 'x' }, false],
    ['1', 1, false],
    [null, {}, false],
    [JSON.parse('{"__proto__":{"a":1}}'), {}, false],
    [JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}'), true],
    [JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":2}}'), false]
])('%j and %j: %s', (a, b, same) => {
    expect(sameJson(a, b)).toBe(same);
    expect(sameJson(b, a)).toBe(same);
});
