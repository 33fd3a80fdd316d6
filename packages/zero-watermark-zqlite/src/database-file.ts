import { type BigIntStats, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import { checkOurs } from './schema.js';
import type { Connection, SqliteLibrary } from './sqlite.js';
import { CHOOSE_ANOTHER } from './sqlite-errors.js';

/** A file and its write-ahead log, by which a connection knows that they are still those that it has open. */
export interface FileIdentity {
    readonly path: string;
    readonly main: BigIntStats;
    readonly logPath: string;
    readonly log: BigIntStats;
}

/**
 * Looks at what is at the path without changing or locking anything, so that what is not ours stays as it is.
 *
 * SQLite itself does the looking (`immutable`): opening the file in any other way and closing it again would release the
 * locks that this process has on it.
 *
 * @throws {WatermarkError} `BUCKET_NOT_FOUND`: its folder is missing, or itself, and it may not be made. `BUCKET_MISMATCH`: it is no file, no database, that
 *   of another program, or of a newer release.
 */
export function inspectFile(sqlite: SqliteLibrary, path: string, mayCreate: boolean): void {
    inspectFolder(dirname(path));
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined && !mayCreate) {
        throw fileGone(path);
    }
    if (found === undefined) {
        return;
    }
    if (!found.isFile()) {
        throw mismatch(`The database ${path} is ${found.isDirectory() ? 'a folder' : 'no regular file'}`);
    }
    if (found.size === 0) {
        return;
    }
    const url = `${pathToFileURL(path).href}?immutable=1`;
    const connection: Connection = new sqlite(url, { readonly: true, fileMustExist: true });
    try {
        checkOurs(connection, path);
    } finally {
        connection.close();
    }
}

function inspectFolder(folder: string): void {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found === undefined) {
        throw new WatermarkError(
            WatermarkErrorCode.BUCKET_NOT_FOUND,
            `The folder ${folder} for the database does not exist.`,
            { remediation: 'Make it, or choose another path for the option database.' }
        );
    }
    if (!found.isDirectory()) {
        throw mismatch(`${folder}, where the database is to be, is no folder`);
    }
}

/** The file was there, and is not any more. */
export function fileGone(path: string): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.BUCKET_NOT_FOUND,
        `The database ${path} was removed while it was in use.`,
        { remediation: 'Put a copy in its place, or start again to have a new one made.' }
    );
}

/** What a connection has open now. Call it once a statement has been run: the first one opens the log. */
export function identityOf(path: string): FileIdentity {
    const logPath = `${realpathSync(path)}-wal`;
    return { path, main: statSync(path, { bigint: true }), logPath, log: statSync(logPath, { bigint: true }) };
}

/**
 * Whether the paths still lead to what the connection has open. No other file can have its number as long as it is open.
 */
export function compareIdentity(identity: FileIdentity): 'same' | 'missing' | 'replaced' {
    const main = find(identity.path);
    if (main === undefined) {
        return 'missing';
    }
    return isSame(identity.main, main) && hasSameLog(identity) ? 'same' : 'replaced';
}

export function hasSameMain({ path, main }: FileIdentity): boolean {
    const found = find(path);
    return found !== undefined && isSame(main, found);
}

export function hasSameLog({ logPath, log }: FileIdentity): boolean {
    const found = find(logPath);
    return found !== undefined && isSame(log, found);
}

function find(path: string): BigIntStats | undefined {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
    return a.ino === b.ino && a.dev === b.dev;
}

function mismatch(what: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.BUCKET_MISMATCH, `${what}.`, { remediation: CHOOSE_ANOTHER });
}
