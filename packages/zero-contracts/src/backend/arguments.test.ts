import { expect, test } from 'vitest';

import { isWatermarkError, WatermarkErrorCode } from '../errors.js';
import { checkExpectedRevision, checkKey, checkResumeToken, checkShardId } from './arguments.js';

const { INVALID_ARGUMENT, INVALID_KEY } = WatermarkErrorCode;

function errorOf(run: () => unknown): { readonly code: WatermarkErrorCode; readonly message: string } {
    try {
        run();
    } catch (error) {
        if (isWatermarkError(error)) {
            return { code: error.code, message: error.message };
        }
        throw error;
    }
    throw new Error('It was accepted.');
}

test.each(['', 'users', 'ü 日本 \0 😀', 'x'.repeat(100_000)])('%.20j is a key', key => {
    expect(checkKey(key)).toBe(key);
});

test.each([
    [undefined, 'A key must be a string, not undefined.'],
    [null, 'A key must be a string, not null.'],
    [7, 'A key must be a string, not number.'],
    ['a\ud800', 'The key "a\\ud800" has half a surrogate pair; expected well-formed Unicode.']
])('%j is no key', (key, message) => {
    expect(errorOf(() => checkKey(key as string))).toEqual({ code: INVALID_KEY, message });
});

test.each([checkShardId, checkResumeToken])('%o takes any well-formed text', check => {
    expect(check('ü 日本 \0 😀')).toBe('ü 日本 \0 😀');
    for (const wrong of ['', undefined, null, 7, {}, 'a\udc00']) {
        expect(errorOf(() => check(wrong as string)).code).toBe(INVALID_ARGUMENT);
    }
});

test('a shard id that is not well-formed is named, a resume token is not', () => {
    expect(errorOf(() => checkShardId('app\ud800')).message).toContain('"app\\ud800"');
    expect(errorOf(() => checkResumeToken('secret\ud800')).message).not.toContain('secret');
});

test('revisions are positive whole numbers', () => {
    expect(checkExpectedRevision(1)).toBe(1);
    for (const wrong of [0, -1, 1.5, Number.NaN, 2 ** 53, '1', undefined, null]) {
        expect(errorOf(() => checkExpectedRevision(wrong as number)).code).toBe(INVALID_ARGUMENT);
    }
});
