import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

/** What SQLite's errors have in common: a result code by name, extended where there is an extended one. */
export type SqliteError = Error & { readonly code: string };

export function isSqliteError(error: unknown): error is SqliteError {
    return (
        error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('SQLITE_')
    );
}

/** Another process has the lock, or recovers the file, right now; asking again is right. */
export function isBusy(error: unknown): boolean {
    return isSqliteError(error) && /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(error.code);
}

/** It is about one statement's values; the transaction goes on without it. */
export function concernsOneCall(error: SqliteError): boolean {
    return /^SQLITE_(TOOBIG|CONSTRAINT|MISMATCH|RANGE)/.test(error.code);
}

/** What a failure of SQLite means to the caller, when nothing was written by it; the only place that decides that. */
export function toWatermarkError(error: SqliteError, file: string, busyTimeoutMs: number): WatermarkError {
    const { code, message, remediation } = describe(error, file, busyTimeoutMs);
    return new WatermarkError(
        code,
        message,
        remediation === undefined ? { cause: error } : { cause: error, remediation }
    );
}

/** A transaction whose end failed: SQLite can't say whether a crash now would bring it back. */
export function outcomeUnknown(error: SqliteError, file: string): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.OUTCOME_UNKNOWN,
        `Whether the write to the database ${file} was stored is not known: ${error.message} (${error.code}).`,
        { cause: error, remediation: 'Read the watermark before you write again.' }
    );
}

/** A full disk is noticed before the mark that makes a transaction valid is written. */
export function isCertainAtCommit(error: SqliteError): boolean {
    return error.code === 'SQLITE_FULL' || isBusy(error);
}

/** What a failure of the file system means to the caller; anything else stays as it is. */
export function fromFileSystem(error: unknown, file: string): unknown {
    if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) {
        return error;
    }
    const denied = error.code === 'EACCES' || error.code === 'EPERM';
    return new WatermarkError(
        denied ? WatermarkErrorCode.PERMISSION_DENIED : WatermarkErrorCode.UNAVAILABLE,
        `The database ${file} can't be looked at: ${error.message}.`,
        { cause: error }
    );
}

interface Description {
    readonly code: WatermarkErrorCode;
    readonly message: string;
    readonly remediation?: string;
}

function describe(error: SqliteError, file: string, busyTimeoutMs: number): Description {
    const { BUCKET_MISMATCH, CORRUPT_RECORD, PERMISSION_DENIED, UNAVAILABLE, VALUE_TOO_LARGE } = WatermarkErrorCode;
    const primary = /^SQLITE_[A-Z]+/.exec(error.code)?.[0];
    const because = `${error.message} (${error.code})`;
    switch (primary) {
        case 'SQLITE_BUSY':
        case 'SQLITE_LOCKED':
        case 'SQLITE_PROTOCOL':
            return {
                code: UNAVAILABLE,
                message: `The database ${file} was locked by another process for longer than busyTimeoutMs (${busyTimeoutMs} ms).`,
                remediation: 'Look for a long transaction elsewhere, or raise busyTimeoutMs.'
            };
        case 'SQLITE_FULL':
            return {
                code: UNAVAILABLE,
                message: `There is no room for the database ${file}; nothing was written.`,
                remediation: 'Make room on the disk; no restart is needed.'
            };
        case 'SQLITE_CANTOPEN':
        case 'SQLITE_READONLY':
        case 'SQLITE_PERM':
        case 'SQLITE_AUTH':
            return {
                code: PERMISSION_DENIED,
                message: `The database ${file} can't be opened for reading and writing: ${because}.`,
                remediation:
                    'The user of this process must be allowed to write the file, and to make files in its folder.'
            };
        case 'SQLITE_NOTADB':
            return { code: BUCKET_MISMATCH, message: `${file} is no SQLite database.`, remediation: CHOOSE_ANOTHER };
        case 'SQLITE_CORRUPT':
            return {
                code: CORRUPT_RECORD,
                message: `The database ${file} is damaged: ${because}.`,
                remediation:
                    'Stop all processes that use it, and put a copy in its place (with its -wal file, if there is one).'
            };
        case 'SQLITE_TOOBIG':
            return { code: VALUE_TOO_LARGE, message: `It is larger than SQLite takes: ${because}.` };
        default:
            return { code: UNAVAILABLE, message: `SQLite failed on the database ${file}: ${because}.` };
    }
}

export const CHOOSE_ANOTHER = 'Choose another path for the option database.';
