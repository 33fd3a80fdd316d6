import {
    findOptionProblems,
    functionOption,
    loggerOption,
    oneOf,
    type OptionChecks,
    showValue,
    wholeNumber
} from '@cbnsndwch/zero-contracts/backend';

export const SYNCHRONOUS = ['off', 'normal', 'full', 'extra'] as const;

/** A store that is nowhere but in memory. */
export const IN_MEMORY = ':memory:';

/**
 * The options that were given, and every problem of them, one sentence each. What is in the file system is looked at when
 * the store opens.
 */
export function checkOptions(options: unknown): ReturnType<typeof findOptionProblems> {
    const { given, problems } = findOptionProblems(options, checks);
    const isMissing = typeof options === 'object' && options !== null && !given.has('database');
    const missing = 'database: is missing; expected the path of a file, for example "./watermarks.db"';
    return { given, problems: isMissing ? [...problems, missing] : problems };
}

const checks: OptionChecks = {
    database: checkDatabase,
    tableName: value =>
        typeof value === 'string' && /^[A-Za-z_]\w{0,62}$/.test(value) && !/^sqlite_/i.test(value)
            ? undefined
            : `expected a letter or "_" and up to 62 letters, digits or "_", and not "sqlite_…", got ${showValue(value)}`,
    busyTimeoutMs: wholeNumber(0, 2 ** 31 - 1),
    synchronous: value => oneOf(...SYNCHRONOUS)(typeof value === 'string' ? value.toLowerCase() : value),
    history: wholeNumber(1, 64),
    maxValueSizeBytes: wholeNumber(256, 2 ** 28),
    retainTokens: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    retainMs: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    compareResumeTokens: functionOption,
    logger: loggerOption
};

function checkDatabase(value: unknown): string | undefined {
    if (typeof value !== 'string' || value === '') {
        return `expected the path of a file or ":memory:", got ${value === '' ? 'an empty string' : showValue(value)}`;
    }
    if (value === IN_MEMORY) {
        return undefined;
    }
    // The address of another database, which may hold a password, is no name for a file either.
    if (/^(file:|:|[a-z][\w+.-]+:\/\/)/i.test(value)) {
        return 'expected the path of a file or ":memory:", got an address';
    }
    // SQLite's client cuts off spaces, and SQLite itself what follows a zero character: it would be another file.
    return value.trim() !== value || value.includes('\0')
        ? `expected a path without spaces around it and without zero characters, got ${showValue(value)}`
        : undefined;
}
