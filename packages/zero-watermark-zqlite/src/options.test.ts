import { InvalidOptionsError } from '@cbnsndwch/zero-contracts';
import { describe, expect, test } from 'vitest';

import { resolveOptions, type ZqliteOptions } from './options.js';

/** Options as JavaScript can give them. */
const resolve = (options: unknown) => resolveOptions(options as ZqliteOptions);

function problemsOf(options: unknown): readonly string[] {
    try {
        resolve(options);
    } catch (error) {
        expect(error).toBeInstanceOf(InvalidOptionsError);
        return error instanceof InvalidOptionsError ? error.problems : [];
    }
    return [];
}

describe('what is resolved', () => {
    test('a path suffices', () => {
        const resolved = resolve({ database: './watermarks.db' });
        expect(resolved).toMatchObject({
            database: './watermarks.db',
            tableName: 'watermarks',
            busyTimeoutMs: 5_000,
            synchronous: 'full',
            history: 1,
            maxValueSizeBytes: 1_048_576,
            retainTokens: 10_000,
            retainMs: 3_600_000,
            compareResumeTokens: undefined
        });
        expect(Object.isFrozen(resolved)).toBe(true);
    });

    test('options that are undefined count as left out', () => {
        const options = { database: ':memory:', tableName: undefined, synchronous: undefined, retainTokens: undefined };
        expect(resolve(options)).toEqual(resolve({ database: ':memory:' }));
    });

    test.each(['full', 'FULL', 'normal', 'NORMAL', 'off', 'EXTRA'])('synchronous: %s', synchronous => {
        expect(resolve({ database: 'x', synchronous }).synchronous).toBe(synchronous.toLowerCase());
    });

    test.each(['watermarks', 'change_watermarks', '_x', 'T1', 'x'.repeat(63)])('tableName: %s', tableName => {
        expect(resolve({ database: 'x', tableName }).tableName).toBe(tableName);
    });
});

describe('what is refused', () => {
    test('all problems are reported together, each with the name of its option', () => {
        const problems = problemsOf({
            database: '',
            tableName: 'a b',
            busyTimeoutMs: -1,
            synchronous: 'sometimes',
            history: 0,
            maxValueSizeBytes: 1.5,
            retainTokens: '10',
            retainMs: Number.NaN,
            compareResumeTokens: true,
            logger: {},
            sqliteOptions: {}
        });
        expect(problems.map(problem => problem.split(':')[0])).toEqual([
            ...[
                'database',
                'tableName',
                'busyTimeoutMs',
                'synchronous',
                'history',
                'maxValueSizeBytes',
                'retainTokens'
            ],
            ...['retainMs', 'compareResumeTokens', 'logger', 'sqliteOptions']
        ]);
    });

    test.each([
        [undefined, ['expected an object with options, got undefined']],
        [null, ['expected an object with options, got null']],
        ['./x.db', ['expected an object with options, got string']],
        [{}, ['database: is missing; expected the path of a file, for example "./watermarks.db"']],
        [{ database: undefined }, ['database: is missing; expected the path of a file, for example "./watermarks.db"']]
    ])('%j', (options, problems) => {
        expect(problemsOf(options)).toEqual(problems);
    });

    test.each(['', 'file:x.db', 'FILE:///x.db', ':temp:', ' x.db', 'x.db\n', 'a\0b', 7])('database: %j', database => {
        expect(problemsOf({ database })).toEqual([expect.stringMatching(/^database: expected/)]);
    });

    test.each(['', '1a', 'a-b', 'a"b', 'ü', 'sqlite_x', 'SQLITE_x', 'x'.repeat(64), 7])('tableName: %j', tableName => {
        expect(problemsOf({ database: 'x', tableName })).toEqual([expect.stringMatching(/^tableName: expected/)]);
    });
});
