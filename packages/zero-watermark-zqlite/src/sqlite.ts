import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import type Library from '@rocicorp/zero-sqlite3';

/** A connection to a database, as the library has it. */
export type Connection = Library.Database;

/** Opens connections. */
export type SqliteLibrary = typeof Library;

/**
 * Loads SQLite. It is native code, so it is loaded only when a store is opened, and a platform that it was not built for
 * is told so in words.
 *
 * @throws {WatermarkError} `UNAVAILABLE`
 */
export async function loadSqlite(): Promise<SqliteLibrary> {
    try {
        return (await import('@rocicorp/zero-sqlite3')).default;
    } catch (error) {
        throw new WatermarkError(
            WatermarkErrorCode.UNAVAILABLE,
            `SQLite (@rocicorp/zero-sqlite3) can't be loaded on ${process.platform}-${process.arch} ` +
                `with Node.js ${process.versions.node}.`,
            { cause: error, remediation: 'Install it again on this machine, with this Node.js.' }
        );
    }
}
