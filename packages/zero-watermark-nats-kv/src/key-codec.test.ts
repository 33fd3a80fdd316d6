import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decodeKey, encodeKey, subjectOfKey } from './key-codec.js';

const anyKey = fc.string({ unit: 'binary' });
/** Keys near the border between what stands unchanged and what is escaped. */
const trickyKey = fc.string({
    unit: fc.constantFrom('=', '.', '_', 'k', 'v', 'A', '2', 'E', '/', '-', ' ', '*', '>', 'ü', '\0')
});

const SUBJECT = /^[!-)+-=?-~]+$/;

describe('any Unicode string is a key', () => {
    test.each([
        ['any', anyKey],
        ['tricky', trickyKey]
    ] as const)('%s keys come back as they were', (_, keys) => {
        fc.assert(
            fc.property(keys, key => decodeKey(encodeKey(key)) === key),
            { numRuns: 2_000 }
        );
    });

    test.each([
        ['any', anyKey],
        ['tricky', trickyKey]
    ] as const)('no two %s keys collide', (_, keys) => {
        fc.assert(
            fc.property(keys, keys, (a, b) => {
                expect(encodeKey(a) === encodeKey(b)).toBe(a === b);
            }),
            { numRuns: 2_000 }
        );
    });

    test.each([
        ['any', anyKey],
        ['tricky', trickyKey]
    ] as const)('tokens of %s keys are subjects that NATS takes', (_, keys) => {
        fc.assert(
            fc.property(keys, key => {
                const token = encodeKey(key);
                expect(token).toMatch(SUBJECT);
                expect(token.split('.')).not.toContain('');
            }),
            { numRuns: 2_000 }
        );
    });
});

test.each(['users', 'a.b.c', 'A-b_c/d=1', '0', 'x_kv', 'k=v', '-', 'tenant/42.orders'])(
    'a key that NATS allows stands unchanged: %j',
    key => {
        expect(encodeKey(key)).toBe(key);
    }
);

test.each([
    ['', '='],
    [' ', '==20'],
    ['=', '==3D'],
    ['=a', '==3Da'],
    ['_kv', '=_kv'],
    ['_kv.x', '=_kv=2Ex'],
    ['.a', '==2Ea'],
    ['a.', '=a=2E'],
    ['a..b', '=a=2E=2Eb'],
    ['a*', '=a=2A'],
    ['>', '==3E'],
    ['ü', '==C3=BC'],
    ['😀', '==F0=9F=98=80'],
    ['\uFEFFx', '==EF=BB=BFx']
])('every other key is escaped: %j -> %j', (key, token) => {
    expect(encodeKey(key)).toBe(token);
    expect(decodeKey(token)).toBe(key);
});

test.each(['=users', '==3d', '=a=2', '==FF', '==', '=ü', 'a b', '', '=a.b', '==C3'])(
    'a token that encoding never makes stands for no key: %j',
    token => {
        expect(decodeKey(token)).toBeUndefined();
    }
);

test('half a surrogate pair is no key', () => {
    expect(() => encodeKey('a\uD800')).toThrow(/surrogate/);
});

test('a key that is no string is refused', () => {
    expect(() => encodeKey(undefined as unknown as string)).toThrow(/must be a string, not undefined/);
    expect(() => encodeKey(null as unknown as string)).toThrow(/must be a string, not null/);
});

describe('the subject has at most 3,000 bytes', () => {
    const prefix = '$KV.b.';

    test('3,000 are taken', () => {
        expect(subjectOfKey(prefix, 'k'.repeat(3_000 - prefix.length))).toHaveLength(3_000);
    });

    test('more are refused with both sizes', () => {
        expect(() => subjectOfKey(prefix, 'k'.repeat(3_001 - prefix.length))).toThrow(/3001 bytes.*at most 3000/);
        expect(() => subjectOfKey(prefix, 'ü'.repeat(500))).toThrow(/3007 bytes.*at most 3000/);
    });
});
