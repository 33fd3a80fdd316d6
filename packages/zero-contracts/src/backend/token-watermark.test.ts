import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { versionToLexi } from '../lexi-version.js';
import { checkOf, positionOf, tokenEntry, watermarkOf } from './token-watermark.js';

const anySequence = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const anyCheck = fc.integer({ min: 0, max: 4_095 });

describe('watermarks', () => {
    test('hold sequence and check', () => {
        fc.assert(
            fc.property(anySequence, anyCheck, (sequence, check) => {
                expect(positionOf(watermarkOf(sequence, check))).toEqual({ sequence, check });
            })
        );
    });

    test('grow with the sequence, whatever the checks are', () => {
        fc.assert(
            fc.property(anySequence, anySequence, anyCheck, anyCheck, (a, b, checkOfA, checkOfB) => {
                fc.pre(a < b);
                expect(watermarkOf(a, checkOfA) < watermarkOf(b, checkOfB)).toBe(true);
            })
        );
    });

    test('of major.minor the major counts', () => {
        const watermark = watermarkOf(7, 1);
        expect(positionOf(`${watermark}.03`)).toEqual({ sequence: 7, check: 1 });
    });

    test.each(['', 'x', '00', '0a', versionToLexi(4_095), '110.', '.110', versionToLexi(2n ** 66n), 'ü'])(
        '%j is none of ours',
        text => {
            const position = positionOf(text);
            expect(position === undefined || position.sequence >= 1).toBe(true);
            expect(text === '110.' || position === undefined).toBe(true);
        }
    );
});

describe('token entries', () => {
    test('keys are legal in a bucket, and checks have 12 bits, for every token', () => {
        fc.assert(
            fc.property(fc.string({ unit: 'binary', minLength: 1 }), token => {
                const { key, check, payload } = tokenEntry(token);
                expect(key).toMatch(/^[-\w]{43}$/);
                expect(check).toBeGreaterThanOrEqual(0);
                expect(check).toBeLessThan(4_096);
                expect(Buffer.from(payload).toString('utf8')).toBe(token);
                expect(tokenEntry(token)).toEqual({ key, check, payload });
                expect(checkOf(token)).toBe(check);
            })
        );
    });

    test('golden: what is stored must be found again by later releases', () => {
        const { key, check } = tokenEntry('resume-token-1');
        expect({ key, check }).toEqual({ key: 'j3IJygRhJT6cJDl1zTVozHlltNxKOSAgFhudH54IJGo', check: 3954 });
    });
});
