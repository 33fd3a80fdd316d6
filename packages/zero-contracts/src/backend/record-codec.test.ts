import { runInNewContext } from 'node:vm';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isWatermarkError, WatermarkErrorCode } from '../errors.js';
import { decodeRecord, encodeRecord } from './record-codec.js';

const utf8 = new TextEncoder();
const version = fc.string({ minLength: 1, unit: 'binary' });
const data = fc.dictionary(fc.string(), fc.jsonValue({ stringUnit: 'binary' }));

function codeOf(run: () => unknown): unknown {
    try {
        run();
    } catch (error) {
        return isWatermarkError(error) ? error.code : error;
    }
    return undefined;
}

describe('round trip', () => {
    test('every version and every JSON object come back as they were', () => {
        fc.assert(
            fc.property(version, data, (someVersion, someData) => {
                // -0 is the one JSON value that does not come back as it was, but as its equal 0.
                const data: unknown = JSON.parse(JSON.stringify(someData));
                expect(decodeRecord(encodeRecord(someVersion, someData))).toEqual({
                    ok: true,
                    content: { version: someVersion, data }
                });
            })
        );
    });

    test('without data there is none afterwards', () => {
        const decoded = decodeRecord(encodeRecord('v1', undefined));
        expect(decoded).toEqual({ ok: true, content: { version: 'v1' } });
        expect(decoded.ok && 'data' in decoded.content).toBe(false);
    });

    test('a property named __proto__ stays a property', () => {
        const hostile: unknown = JSON.parse('{"__proto__": {"polluted": true}}');
        const decoded = decodeRecord(encodeRecord('v1', hostile as Record<string, unknown>));
        expect(decoded.ok && Object.getPrototypeOf(decoded.content.data)).toBe(Object.prototype);
        expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    });

    test('properties that are undefined are left out, as JSON does', () => {
        expect(decodeRecord(encodeRecord('v1', { a: undefined, b: 1 }))).toEqual({
            ok: true,
            content: { version: 'v1', data: { b: 1 } }
        });
    });

    test('an object of another realm is an object', () => {
        const foreign = runInNewContext('({ a: { b: [1] } })') as Record<string, unknown>;
        expect(decodeRecord(encodeRecord('v1', foreign))).toMatchObject({
            ok: true,
            content: { data: { a: { b: [1] } } }
        });
    });
});

test('a person can read it', () => {
    expect(encodeRecord('v1', { lastId: 'user-123' })).toBe('{"format":1,"version":"v1","data":{"lastId":"user-123"}}');
});

describe('what JSON would change silently is refused, with its path', () => {
    const cycle: Record<string, unknown> = { inner: {} };
    (cycle['inner'] as Record<string, unknown>)['outer'] = cycle;

    const throwing = Object.defineProperty({}, 'b', {
        enumerable: true,
        get: () => {
            throw new Error('not today');
        }
    });

    test.each<[string, unknown, RegExp]>([
        ['undefined in an array', { a: [1, undefined] }, /data\.a\[1\].*undefined/],
        ['a hole in an array', { a: [1, , 3] }, /data\.a\[1\].*undefined/],
        ['a function', { a: { b: () => {} } }, /data\.a\.b.*function/],
        ['a symbol', { a: Symbol('x') }, /data\.a.*symbol/],
        ['a property named by a symbol', { a: { [Symbol('x')]: 1 } }, /data\.a.*named by a symbol/],
        ['a BigInt', { 'a b': 1n }, /data\["a b"\].*bigint/],
        ['a Date', { a: new Date(0) }, /data\.a.*Date/],
        ['a Map', { a: new Map() }, /data\.a.*Map/],
        ['a Uint8Array', { a: new Uint8Array(2) }, /data\.a.*Uint8Array/],
        ['NaN', { a: Number.NaN }, /data\.a.*NaN/],
        ['Infinity', { a: [Number.NEGATIVE_INFINITY] }, /data\.a\[0\].*-Infinity/],
        ['a cycle', cycle, /data\.inner\.outer contains itself/],
        ['an array', [1], /data is an array/],
        ['null', null, /data is null/],
        ['a string', 'x', /data is a string/],
        ['a class instance', new (class Thing {})(), /data is an instance of Thing/],
        ['an array with more than its items', { a: Object.assign([1], { more: 2 }) }, /data\.a has properties beside/],
        ['an array with a form of its own', { a: Object.assign([1], { toJSON: () => 2 }) }, /data\.a has properties/],
        ['a hidden property', { a: Object.defineProperty({}, 'b', { value: 1 }) }, /data\.a .*not enumerable/],
        ['a property that throws', { a: throwing }, /data can't be read/],
        ['what inherits', Object.create(Object.assign(Object.create(null), { a: 1 })), /data is an instance of/],
        ['a constructor that is none', { a: { b: new Map(), constructor: { name: Symbol('x') } } }, /data\.a\.b is/],
        ['a very long name', { ['x'.repeat(10_000)]: 1n }, /^data\.x{195}… is a bigint/]
    ])('%s', (_, value, message) => {
        expect(() => encodeRecord('v1', value as Record<string, unknown>)).toThrow(message);
        expect(codeOf(() => encodeRecord('v1', value as Record<string, unknown>))).toBe(
            WatermarkErrorCode.INVALID_DATA
        );
    });

    test('nesting without end', () => {
        const deep: Record<string, unknown> = {};
        let at = deep;
        for (let level = 0; level < 100_000; level += 1) {
            const next = {};
            at['a'] = next;
            at = next;
        }
        expect(() => encodeRecord('v1', deep)).toThrow(/nested more than 200/);
    });

    test('one object twice is no cycle', () => {
        const shared = { x: 1 };
        expect(decodeRecord(encodeRecord('v1', { a: shared, b: shared })).ok).toBe(true);
    });
});

test.each([
    ['', 'an empty one'],
    [undefined, 'undefined'],
    [null, 'null'],
    [1, 'a number'],
    [{}, 'an instance of Object']
])('the version %j is refused', (value, name) => {
    expect(() => encodeRecord(value as string, undefined)).toThrow(name);
    expect(codeOf(() => encodeRecord(value as string, undefined))).toBe(WatermarkErrorCode.INVALID_VERSION);
});

describe('whatever stands in a store gets a reason', () => {
    test.each([
        ['garbage', 'it is not JSON'],
        ['', 'it is not JSON'],
        ['[]', 'it is JSON, but not an object'],
        ['null', 'it is JSON, but not an object'],
        ['"v1"', 'it is JSON, but not an object'],
        ['{}', 'it has no "format": 1'],
        ['{"format":"1","version":"v1"}', 'it has no "format": 1'],
        ['{"format":2,"version":"v1"}', 'it has format 2, which a newer release wrote; this one knows 1'],
        ['{"format":1}', 'its "version" is not a non-empty string'],
        ['{"format":1,"version":""}', 'its "version" is not a non-empty string'],
        ['{"format":1,"version":7}', 'its "version" is not a non-empty string'],
        ['{"format":1,"version":"v1","data":[]}', 'its "data" is not an object'],
        ['{"format":1,"version":"v1","data":null}', 'its "data" is not an object'],
        ['{"format":1,"version":"v1","data":{"a":1e400}}', 'its "data" has a number that is too large']
    ])('%s', (text, reason) => {
        expect(decodeRecord(text)).toEqual({ ok: false, reason });
        expect(decodeRecord(utf8.encode(text))).toEqual({ ok: false, reason });
    });

    test('more levels than a stack holds', () => {
        const levels = 100_000;
        const decoded = decodeRecord(
            `{"format":1,"version":"v1","data":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}`
        );
        expect(decoded.ok || decoded.reason).toMatch(/^its "data" is nested more than 200 levels deep$/);
    });

    test('bytes that are not UTF-8', () => {
        expect(decodeRecord(Uint8Array.of(0x22, 0xff, 0x22))).toEqual({ ok: false, reason: 'it is not JSON' });
    });

    test('any bytes', () => {
        fc.assert(fc.property(fc.uint8Array(), bytes => typeof decodeRecord(bytes).ok === 'boolean'));
    });
});
