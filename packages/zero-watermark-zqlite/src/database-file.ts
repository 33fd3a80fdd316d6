import { realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import { checkOurs } from './schema.js';
import type { Connection, SqliteLibrary } from './sqlite.js';
import { CHOOSE_ANOTHER, isSqliteError } from './sqlite-errors.js';

/**
 * Looks at what is at the path without changing or locking anything, so that what is not ours stays as it is.
 *
 * SQLite itself does the looking (`immutable`): opening the file in any other way and closing it again would release the
 * locks that this process has on it.
 *
 * @throws {WatermarkError} `BUCKET_NOT_FOUND`: its folder is missing, or the file, and it may not be made.
 *   `BUCKET_MISMATCH`: it is no file, no database, that of another program, or of a newer release.
 */
export function inspectFile(sqlite: SqliteLibrary, path: string, mayCreate: boolean): void {
    inspectFolder(dirname(path));
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) {
        if (mayCreate) {
            return;
        }
        throw fileGone(path);
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
    } catch (error) {
        // Whoever made the file was killed while it was at it: SQLite takes that back when it opens the file.
        if (!(isSqliteError(error) && find(`${path}-journal`) !== undefined)) {
            throw error;
        }
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

/** How often the log is looked at while the file beside it does not change. */
const LOG_CHECK_MS = 100;

/** A file that a connection has open, and its log: tells whether the paths still lead to them. */
export class OpenFile {
    readonly path: string;
    readonly logPath: string;
    readonly #main: Stats;
    readonly #log: Stats;
    /** The state of the file at which the log was looked at last. */
    #seen: Stats;
    #lookedAtLog = performance.now();

    /** To be made once a statement has been run: the first one opens the log. */
    constructor(path: string) {
        this.path = path;
        this.logPath = `${realpathSync(path)}-wal`;
        this.#main = statSync(path);
        this.#log = statSync(this.logPath);
        this.#seen = this.#main;
    }

    /**
     * Whether the paths still lead to what is open. No other file can have its number as long as it is.
     *
     * Looking at the log takes ten times as long as looking at the file (ext4, with data that is not on the disk yet), and
     * whoever replaces the log does something to the file too, so it is looked at then, and now and then.
     */
    compare(): 'same' | 'missing' | 'replaced' {
        const main = find(this.path);
        if (main === undefined) {
            return 'missing';
        }
        if (!isSame(this.#main, main)) {
            return 'replaced';
        }
        const now = performance.now();
        const hasChanged = main.mtimeMs !== this.#seen.mtimeMs || main.size !== this.#seen.size;
        if (hasChanged || now - this.#lookedAtLog > LOG_CHECK_MS) {
            if (!this.hasSameLog()) {
                return 'replaced';
            }
            this.#seen = main;
            this.#lookedAtLog = now;
        }
        return 'same';
    }

    hasSameMain(): boolean {
        const found = find(this.path);
        return found !== undefined && isSame(this.#main, found);
    }

    hasSameLog(): boolean {
        const found = find(this.logPath);
        return found !== undefined && isSame(this.#log, found);
    }
}

function find(path: string): Stats | undefined {
    return statSync(path, { throwIfNoEntry: false });
}

function isSame(a: Stats, b: Stats): boolean {
    return a.ino === b.ino && a.dev === b.dev;
}

function mismatch(what: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.BUCKET_MISMATCH, `${what}.`, { remediation: CHOOSE_ANOTHER });
}
