import { describe, expect, test } from 'vitest';

import {
    CorruptRecordError,
    ImportError,
    InvalidOptionsError,
    isWatermarkError,
    RevisionConflictError,
    WatermarkError,
    WatermarkErrorCode
} from './errors.js';

test('codes are stable: each is ERR_WATERMARK_ and its name', () => {
    for (const [name, code] of Object.entries(WatermarkErrorCode)) {
        expect(code).toBe(`ERR_WATERMARK_${name}`);
    }
});

test('only UNAVAILABLE can be tried again unchanged', () => {
    const retryable = Object.values(WatermarkErrorCode).filter(code => new WatermarkError(code, 'x').retryable);
    expect(retryable).toEqual([WatermarkErrorCode.UNAVAILABLE]);
});

test('the remediation is part of the message and stands alone', () => {
    const error = new WatermarkError(WatermarkErrorCode.BUCKET_NOT_FOUND, 'There is no bucket.', {
        remediation: 'Create it.'
    });
    expect(error.message).toBe('There is no bucket. Create it.');
    expect(error.remediation).toBe('Create it.');
    expect(new WatermarkError(WatermarkErrorCode.CLOSED, 'Closed.').remediation).toBeUndefined();
});

test('the cause is kept', () => {
    const cause = new Error('underneath');
    expect(new WatermarkError(WatermarkErrorCode.UNAVAILABLE, 'x', { cause }).cause).toBe(cause);
    expect(new WatermarkError(WatermarkErrorCode.UNAVAILABLE, 'x')).not.toHaveProperty('cause');
});

describe('errors with data', () => {
    test('a conflict says what was expected and what was found', () => {
        const error = new RevisionConflictError('users', 3, 5);
        expect(error).toMatchObject({
            key: 'users',
            expectedRevision: 3,
            actualRevision: 5,
            name: 'RevisionConflictError'
        });
        expect(error.message).toContain('"users"');
        expect(error.message).toMatch(/at revision 3.*at revision 5/);
        expect(new RevisionConflictError('users', null, 5).message).toMatch(/not to exist.*at revision 5/);
        expect(new RevisionConflictError('users', 3, null).message).toMatch(/at revision 3.*does not exist/);
    });

    test('a corrupt record says which and why', () => {
        const error = new CorruptRecordError('users', 7, 'it is not JSON');
        expect(error).toMatchObject({ key: 'users', revision: 7, code: WatermarkErrorCode.CORRUPT_RECORD });
        expect(error.message).toMatch(/"users" at revision 7.*not JSON/);
    });

    test('an import says which line and why', () => {
        const error = new ImportError(WatermarkErrorCode.INVALID_EXPORT, 7, 'it is not JSON');
        expect(error).toMatchObject({ line: 7, name: 'ImportError', code: WatermarkErrorCode.INVALID_EXPORT });
        expect(error.message).toBe('Line 7 of the import: it is not JSON.');
    });

    test('invalid options list every problem', () => {
        const error = new InvalidOptionsError('The store is configured wrongly', ['a: is missing', 'b: is unknown']);
        expect(error.problems).toEqual(['a: is missing', 'b: is unknown']);
        expect(error.message).toBe(
            'The store is configured wrongly: 2 problems:\n  - a: is missing\n  - b: is unknown'
        );
        expect(Object.isFrozen(error.problems)).toBe(true);
    });
});

describe('isWatermarkError', () => {
    test('goes by the code', () => {
        const error = new RevisionConflictError('users', 3, 5);
        expect(isWatermarkError(error)).toBe(true);
        expect(isWatermarkError(error, WatermarkErrorCode.REVISION_CONFLICT)).toBe(true);
        expect(isWatermarkError(error, WatermarkErrorCode.CLOSED)).toBe(false);
    });

    test('knows errors of another copy of the package', () => {
        const foreign = Object.assign(new Error('x'), { code: 'ERR_WATERMARK_CLOSED' });
        expect(isWatermarkError(foreign)).toBe(true);
    });

    test.each([new Error('x'), Object.assign(new Error('x'), { code: 'ENOENT' }), null, undefined, 'x', { code: 'x' }])(
        '%s is none',
        value => {
            expect(isWatermarkError(value)).toBe(false);
        }
    );
});
