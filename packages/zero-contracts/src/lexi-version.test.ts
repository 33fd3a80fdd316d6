import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isWatermarkError, WatermarkErrorCode } from './errors.js';
import {
    compareLexiVersions,
    isLexiVersion,
    maxLexiVersion,
    minLexiVersion,
    oneAfter,
    versionFromLexi,
    versionToLexi
} from './lexi-version.js';

const MAX = 36n ** 36n - 1n;
const anyVersion = fc.bigInt({ min: 0n, max: MAX });

describe('golden vectors', () => {
    test.each([
        [0n, '00'],
        [9n, '09'],
        [10n, '0a'],
        [35n, '0z'],
        [36n, '110'],
        [46_655n, '2zzz'],
        [46_656n, '31000'],
        [2n ** 53n - 1n, 'a2gosa7pa2gv'],
        [2n ** 53n, 'a2gosa7pa2gw'],
        [2n ** 53n + 1n, 'a2gosa7pa2gx'],
        [2n ** 64n - 1n, 'c3w5e11264sgsf'],
        [MAX, `z${'z'.repeat(36)}`]
    ])('%s is %s', (version, lexiVersion) => {
        expect(versionToLexi(version)).toBe(lexiVersion);
        expect(versionFromLexi(lexiVersion)).toBe(version);
    });

    test('numbers are encoded as bigints are', () => {
        fc.assert(fc.property(fc.maxSafeNat(), number => versionToLexi(number) === versionToLexi(BigInt(number))));
    });
});

describe('properties', () => {
    test('every version comes back as it was', () => {
        fc.assert(fc.property(anyVersion, version => versionFromLexi(versionToLexi(version)) === version));
    });

    test('string order is number order', () => {
        fc.assert(
            fc.property(anyVersion, anyVersion, (a, b) => {
                const byString = compareLexiVersions(versionToLexi(a), versionToLexi(b));
                expect(byString).toBe(a < b ? -1 : a > b ? 1 : 0);
            })
        );
    });

    test('a string is a LexiVersion exactly when encoding its number gives it back', () => {
        const nearly = fc.stringMatching(/^[0-9a-zA-Z]{1,6}$/);
        fc.assert(
            fc.property(nearly, text => {
                expect(isLexiVersion(text)).toBe(isLexiVersion(text) && versionToLexi(versionFromLexi(text)) === text);
                if (!isLexiVersion(text)) {
                    expect(() => versionFromLexi(text)).toThrow(/LexiVersion/);
                }
            })
        );
    });
});

test('oneAfter goes to the next number, also where a digit is added', () => {
    expect(oneAfter('0z')).toBe('110');
    expect(oneAfter('a2gosa7pa2gv')).toBe('a2gosa7pa2gw');
    expect(() => oneAfter(`z${'z'.repeat(36)}`)).toThrow(/36\^36/);
});

test('min and max go by order', () => {
    expect(minLexiVersion('110', '0z', '2zzz')).toBe('0z');
    expect(maxLexiVersion('110', '0z', '2zzz')).toBe('2zzz');
});

describe('malformed input is refused with a reason', () => {
    test.each([
        ['', '2 to 37 characters'],
        ['0', '2 to 37 characters'],
        ['0Z', '0-9 and a-z'],
        ['1z', 'announces 2 digits, but 1 follow'],
        ['0zz', 'announces 1 digits, but 2 follow'],
        ['10a', 'leading zeros'],
        ['110.00', '0-9 and a-z'],
        [` 00`, '0-9 and a-z'],
        ['0'.repeat(50), '2 to 37 characters']
    ])('%j', (text, reason) => {
        expect(() => versionFromLexi(text)).toThrow(reason);
    });

    test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -1n, MAX + 1n])('%s', version => {
        let thrown: unknown;
        try {
            versionToLexi(version);
        } catch (error) {
            thrown = error;
        }
        expect(isWatermarkError(thrown, WatermarkErrorCode.INVALID_ARGUMENT)).toBe(true);
        expect(String(thrown)).toContain(String(version));
    });
});
