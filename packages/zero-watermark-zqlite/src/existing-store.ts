import { resolve } from 'node:path';

import {
    type ExistingStoreHandle,
    ExistingWatermarks,
    type ExistingWatermarksOptions,
    WatermarkError,
    WatermarkErrorCode
} from '@cbnsndwch/zero-contracts';
import { closedError } from '@cbnsndwch/zero-contracts/backend';

import { resolveOptions, type ZqliteOptions } from './options.js';
import { type Connection, loadSqlite } from './sqlite.js';
import { isSqliteError, toWatermarkError } from './sqlite-errors.js';

/** How many rows are read at once. */
const PAGE = 1_000;

interface Row {
    readonly id: number;
    readonly key: string | null;
    readonly value: string | null;
}

/**
 * Opens a database of the existing packages for reading, and looks at everything in its table `zero_kv`.
 *
 * Stop whatever uses it first. It is not written to.
 *
 * @param which the shards, where their ids can't be told from the keys
 * @throws {InvalidOptionsError} before anything is opened
 * @throws {WatermarkError} `BUCKET_NOT_FOUND`: there is no such file, or no such table in it. `BUCKET_MISMATCH`: it is no
 *   database. `PERMISSION_DENIED`, `CORRUPT_RECORD`, `UNAVAILABLE`
 */
export async function openExistingStore(
    options: Pick<ZqliteOptions, 'database' | 'busyTimeoutMs'>,
    which: ExistingWatermarksOptions = {}
): Promise<ExistingStoreHandle> {
    const { database, busyTimeoutMs } = resolveOptions(options);
    const path = resolve(database);
    const sqlite = await loadSqlite();
    let connection: Connection | undefined;
    const close = async () => void connection?.close();
    try {
        connection = new sqlite(path, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
        if (connection.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'zero_kv'`).get() === undefined) {
            throw notFound(`The database ${path} has no table "zero_kv"`);
        }
        const resumeTokens = await ExistingWatermarks.in(storeIn(connection), which);
        return { resumeTokens, close, [Symbol.asyncDispose]: close };
    } catch (error) {
        await close();
        throw isSqliteError(error) ? errorOf(error, path, busyTimeoutMs) : error;
    }
}

function storeIn(connection: Connection) {
    // Whatever type a value has: the existing packages write only text, others may not.
    const page = connection.prepare<[number, number], Row>(
        `SELECT rowid AS id, CAST(key AS TEXT) AS key, CAST(value AS TEXT) AS value FROM zero_kv
            WHERE rowid > ? ORDER BY rowid LIMIT ?`
    );
    const one = connection
        .prepare<[string], string | null>('SELECT CAST(value AS TEXT) FROM zero_kv WHERE key = ?')
        .pluck();
    return {
        async *entries() {
            for (let after = Number.MIN_SAFE_INTEGER; ;) {
                const rows = page.all(after, PAGE);
                if (rows.length === 0) {
                    return;
                }
                yield* rows.map(({ key, value }) => ({ key: key ?? '', value: value ?? '' }));
                after = rows.at(-1)?.id ?? after;
            }
        },
        get: async (key: string) => {
            if (!connection.open) {
                throw closedError();
            }
            const value = one.get(key);
            return value === null ? '' : value;
        }
    };
}

function errorOf(error: Parameters<typeof toWatermarkError>[0], path: string, busyTimeoutMs: number): WatermarkError {
    return error.code === 'SQLITE_CANTOPEN'
        ? notFound(`There is no database at ${path}, or it can't be opened`)
        : toWatermarkError(error, path, busyTimeoutMs);
}

function notFound(what: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.BUCKET_NOT_FOUND, `${what}.`, {
        remediation: 'Give the file of the existing package as the option database.'
    });
}
