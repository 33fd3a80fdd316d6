import { quoted } from './quoted.js';

/**
 * What went wrong, in a form that programs can act on and that never changes.
 *
 * Compare `error.code` with these (or use {@link isWatermarkError}); messages are for people and may change.
 */
export const WatermarkErrorCode = {
    /** The configuration is wrong; the error lists every problem that was found. */
    INVALID_OPTIONS: 'ERR_WATERMARK_INVALID_OPTIONS',
    /** The key is not well-formed Unicode or too long to be stored. */
    INVALID_KEY: 'ERR_WATERMARK_INVALID_KEY',
    /** The version is not a non-empty string. */
    INVALID_VERSION: 'ERR_WATERMARK_INVALID_VERSION',
    /** The data is not an object that JSON keeps as it is; the error names the path. */
    INVALID_DATA: 'ERR_WATERMARK_INVALID_DATA',
    /** Another argument is wrong: a revision, a shard id, a resume token, a LexiVersion. */
    INVALID_ARGUMENT: 'ERR_WATERMARK_INVALID_ARGUMENT',
    /** The record is larger than the store takes; nothing was sent. */
    VALUE_TOO_LARGE: 'ERR_WATERMARK_VALUE_TOO_LARGE',
    /** What is stored under the key was not written by this library, or was damaged. */
    CORRUPT_RECORD: 'ERR_WATERMARK_CORRUPT_RECORD',
    /** There are more watermarks than a view may hold; it was closed. */
    VIEW_TOO_LARGE: 'ERR_WATERMARK_VIEW_TOO_LARGE',
    /** The key is not at the revision that the caller expected; nothing was written. */
    REVISION_CONFLICT: 'ERR_WATERMARK_REVISION_CONFLICT',
    /** The bucket (the file, or its folder) does not exist, or was removed while it was in use. */
    BUCKET_NOT_FOUND: 'ERR_WATERMARK_BUCKET_NOT_FOUND',
    /** The bucket (the file) is there, but is not ours, or has settings that would break a promise of this library. */
    BUCKET_MISMATCH: 'ERR_WATERMARK_BUCKET_MISMATCH',
    /** The server refused the credentials. */
    AUTHENTICATION_FAILED: 'ERR_WATERMARK_AUTHENTICATION_FAILED',
    /** The credentials (the user of this process) do not allow this operation. */
    PERMISSION_DENIED: 'ERR_WATERMARK_PERMISSION_DENIED',
    /** The store could not be reached or refused the work; nothing was written. Trying again later is safe. */
    UNAVAILABLE: 'ERR_WATERMARK_UNAVAILABLE',
    /** The deadline passed with a write under way: it may have been applied, or may still be. Read before writing again. */
    OUTCOME_UNKNOWN: 'ERR_WATERMARK_OUTCOME_UNKNOWN',
    /** A resume token or watermark would have gone out of order; it was not handed out. */
    OUT_OF_ORDER: 'ERR_WATERMARK_OUT_OF_ORDER',
    /** The store lost history that was already handed out; the shard needs a new initial sync. */
    HISTORY_LOST: 'ERR_WATERMARK_HISTORY_LOST',
    /** What is to be imported is not an export, or was cut off or altered; the error names the line. */
    INVALID_EXPORT: 'ERR_WATERMARK_INVALID_EXPORT',
    /** What is to be imported contradicts what the store has; the error names the line, and the store keeps what it has. */
    IMPORT_CONFLICT: 'ERR_WATERMARK_IMPORT_CONFLICT',
    /** The shard is being imported, or an import of it was interrupted: it answers once the import is complete. */
    IMPORT_UNFINISHED: 'ERR_WATERMARK_IMPORT_UNFINISHED',
    /** The service was closed before or during the call; nothing was written. */
    CLOSED: 'ERR_WATERMARK_CLOSED'
} as const;

/** One of the codes in {@link WatermarkErrorCode}. */
export type WatermarkErrorCode = (typeof WatermarkErrorCode)[keyof typeof WatermarkErrorCode];

/** What a {@link WatermarkError} can carry besides its code and message. */
export interface WatermarkErrorOptions {
    /** The error that led to this one. */
    readonly cause?: unknown;
    /** What the user can do about it: a command, a setting. */
    readonly remediation?: string;
}

/**
 * The one error of this library: every failure of every backend is one of these.
 *
 * No message, `cause` or property carries a password, token, key or credential.
 */
export class WatermarkError extends Error {
    override readonly name: string = 'WatermarkError';

    /** Which failure this is; stable across releases. */
    readonly code: WatermarkErrorCode;

    /**
     * Whether making the same call again, unchanged, is safe and may succeed.
     *
     * `false` for `OUTCOME_UNKNOWN`: the first call may have been applied, so read before you write again.
     */
    readonly retryable: boolean;

    /** What the user can do about it, where there is something to say. */
    readonly remediation: string | undefined;

    constructor(code: WatermarkErrorCode, message: string, options: WatermarkErrorOptions = {}) {
        super(
            options.remediation === undefined ? message : `${message} ${options.remediation}`,
            options.cause === undefined ? undefined : { cause: options.cause }
        );
        this.code = code;
        this.retryable = code === WatermarkErrorCode.UNAVAILABLE;
        this.remediation = options.remediation;
    }
}

/** `REVISION_CONFLICT`: the key is not where the caller expected it; nothing was written. */
export class RevisionConflictError extends WatermarkError {
    override readonly name = 'RevisionConflictError';

    /** The key that was to be written. */
    readonly key: string;
    /** The revision that the caller expected; `null`: the key must not exist. */
    readonly expectedRevision: number | null;
    /** The revision at which the key was found; `null`: it does not exist. */
    readonly actualRevision: number | null;

    constructor(key: string, expectedRevision: number | null, actualRevision: number | null) {
        const expected = expectedRevision === null ? 'not to exist' : `to be at revision ${expectedRevision}`;
        const actual = actualRevision === null ? 'it does not exist' : `it is at revision ${actualRevision}`;
        super(
            WatermarkErrorCode.REVISION_CONFLICT,
            `Watermark ${quoted(key)} was expected ${expected}, but ${actual}.`,
            { remediation: 'Read it again and decide anew.' }
        );
        this.key = key;
        this.expectedRevision = expectedRevision;
        this.actualRevision = actualRevision;
    }
}

/** `CORRUPT_RECORD`: what is stored under the key is not a watermark that this library wrote. */
export class CorruptRecordError extends WatermarkError {
    override readonly name = 'CorruptRecordError';

    /** The key of the record. */
    readonly key: string;
    /** The revision of the record. */
    readonly revision: number;

    constructor(key: string, revision: number, reason: string, options: { readonly cause?: unknown } = {}) {
        super(
            WatermarkErrorCode.CORRUPT_RECORD,
            `What is stored under ${quoted(key)} at revision ${revision} is not a watermark: ${reason}.`,
            { ...options, remediation: 'Replace it with set() or remove it with delete().' }
        );
        this.key = key;
        this.revision = revision;
    }
}

/** `INVALID_OPTIONS`: the configuration is wrong; carries every problem that was found, not just the first. */
export class InvalidOptionsError extends WatermarkError {
    override readonly name = 'InvalidOptionsError';

    /** One sentence a problem; none of them repeats a secret. */
    readonly problems: readonly string[];

    constructor(subject: string, problems: readonly string[]) {
        const list = problems.map(problem => `\n  - ${problem}`).join('');
        super(
            WatermarkErrorCode.INVALID_OPTIONS,
            `${subject}: ${problems.length === 1 ? 'one problem' : `${problems.length} problems`}:${list}`
        );
        this.problems = Object.freeze([...problems]);
    }
}

/** What can be wrong with a line of an export. */
type ImportErrorCode = (typeof WatermarkErrorCode)['INVALID_EXPORT' | 'IMPORT_CONFLICT' | 'VALUE_TOO_LARGE'];

/** `INVALID_EXPORT`, `IMPORT_CONFLICT` or `VALUE_TOO_LARGE`: a line of an export can't be imported; carries its number. */
export class ImportError extends WatermarkError {
    override readonly name = 'ImportError';

    /** The line, counted from 1. */
    readonly line: number;

    constructor(code: ImportErrorCode, line: number, problem: string, options: WatermarkErrorOptions = {}) {
        super(code, `Line ${line} of the import: ${problem}.`, options);
        this.line = line;
    }
}

/**
 * Tells whether `error` is a {@link WatermarkError}, and with `code` whether it is that one.
 *
 * Goes by the code, not by `instanceof`, so that it also works when two copies of this package are installed.
 */
export function isWatermarkError(error: unknown, code?: WatermarkErrorCode): error is WatermarkError {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') {
        return false;
    }
    return code === undefined ? knownCodes.has(error.code) : error.code === code;
}

const knownCodes: ReadonlySet<string> = new Set(Object.values(WatermarkErrorCode));
