import { copyFileSync, renameSync, rmSync } from 'node:fs';

import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import { inspectFile, OpenFile } from './database-file.js';
import type { ResolvedZqliteOptions } from './options.js';
import { IN_MEMORY } from './options-check.js';
import { RecordTable } from './record-table.js';
import { type Migration, MIGRATIONS, prepareSchema } from './schema.js';
import type { Connection, SqliteLibrary } from './sqlite.js';
import { isBusy } from './sqlite-errors.js';
import { TokenTable } from './token-table.js';

/** The log is cut back to this once it was larger, as after a removal of many tokens. */
const LOG_LIMIT_BYTES = 64 * 1024 * 1024;

/** How to open a session. */
export interface SessionOptions {
    readonly sqlite: SqliteLibrary;
    readonly options: ResolvedZqliteOptions;
    /** @default those of this release */
    readonly migrations?: readonly Migration[];
}

/** One connection to the file, with its statements. Everything on it is synchronous, and SQLite's errors come as they are. */
export class Session {
    readonly records: RecordTable;
    readonly tokens: TokenTable;
    readonly #connection: Connection;
    readonly #file: OpenFile | undefined;
    readonly #begin;
    readonly #beginReading;
    readonly #commit;
    readonly #rollback;

    private constructor(connection: Connection, options: ResolvedZqliteOptions) {
        this.#connection = connection;
        this.records = new RecordTable(connection, options.tableName, options.history);
        this.tokens = new TokenTable(connection, options.tableName);
        this.#begin = connection.prepare<[], void>('BEGIN IMMEDIATE');
        this.#beginReading = connection.prepare<[], void>('BEGIN');
        this.#commit = connection.prepare<[], void>('COMMIT');
        this.#rollback = connection.prepare<[], void>('ROLLBACK');
        this.records.head();
        this.#file = options.database === IN_MEMORY ? undefined : new OpenFile(options.database);
    }

    /**
     * Opens the file.
     *
     * @param mayCreate whether a missing file, or missing tables, are made
     * @throws {WatermarkError} as {@link inspectFile} and {@link prepareSchema}; anything else is SQLite's or Node's.
     */
    static open({ sqlite, options, migrations = MIGRATIONS }: SessionOptions, mayCreate: boolean): Session {
        const { database: path, tableName, synchronous } = options;
        if (path !== IN_MEMORY) {
            inspectFile(sqlite, path, mayCreate);
        }
        // Waiting for a lock is done without SQLite, so that it does not block the process.
        const connection = new sqlite(path, { timeout: 0, fileMustExist: !mayCreate });
        try {
            prepareSchema({ sqlite, connection, path, tableName, mayCreate, migrations });
            const mode = connection.pragma('journal_mode = wal', { simple: true });
            if (mode !== 'wal' && path !== IN_MEMORY) {
                throw new WatermarkError(
                    WatermarkErrorCode.BUCKET_MISMATCH,
                    `The database ${path} can't have a write-ahead log: SQLite stays with "${String(mode)}".`,
                    { remediation: 'Keep it on a local disk; file systems of networks lack what it takes.' }
                );
            }
            connection.pragma(`synchronous = ${synchronous}`);
            // On macOS, a plain fsync leaves the data in the disk's own memory. Elsewhere these say nothing.
            connection.pragma('fullfsync = on');
            connection.pragma('checkpoint_fullfsync = on');
            connection.pragma(`journal_size_limit = ${LOG_LIMIT_BYTES}`);
            checkWritable(connection, tableName);
            return new Session(connection, options);
        } catch (error) {
            connection.close();
            throw error;
        }
    }

    /** Begins a transaction, and takes the one lock for writing that there is. */
    begin(): void {
        this.#begin.run();
    }

    commit(): void {
        this.#commit.run();
    }

    /** Runs several reads on one state of the database. */
    snapshot<T>(run: () => T): T {
        this.#beginReading.run();
        try {
            return run();
        } finally {
            this.rollback();
        }
    }

    /** Takes the transaction back, if SQLite has not done so itself. */
    rollback(): void {
        if (this.#connection.inTransaction) {
            this.#rollback.run();
        }
    }

    /** Whether the path still leads to the file that is open here. */
    compareFile(): 'same' | 'missing' | 'replaced' {
        return this.#file?.compare() ?? 'same';
    }

    close(): void {
        this.#connection.close();
    }

    /**
     * Closes a file that another one has taken the place of. What is at the path now is what counts, so the log of the old
     * one must not get into it: neither because it is taken for its log, nor when SQLite brings it into the file it closes.
     *
     * All processes that have the old file open do this one after the other, and each looks at what is left to be done. Until
     * it is done the session stays open.
     */
    leaveReplaced(): void {
        if (this.#file !== undefined) {
            this.#partFrom(this.#file);
        }
        this.close();
    }

    #partFrom(file: OpenFile): void {
        if (!file.hasSameMain()) {
            // Wherever the old file is now, it has all that was acknowledged.
            this.#connection.pragma('wal_checkpoint(PASSIVE)');
        }
        this.begin();
        try {
            if (file.hasSameMain()) {
                // Written over, and the log removed. SQLite leaves a file alone that is not at its path any more.
                const other = `${file.path}-${process.pid}`;
                copyFileSync(file.path, other);
                renameSync(other, file.path);
            } else if (file.hasSameLog()) {
                rmSync(file.logPath);
                rmSync(file.logPath.replace(/-wal$/, '-shm'), { force: true });
            }
        } finally {
            this.rollback();
        }
    }
}

/**
 * Begins to write, and writes nothing. A file that may not be written is opened by SQLite without a word, and it says so
 * only here, before it looks whether the file is locked.
 */
function checkWritable(connection: Connection, tableName: string): void {
    try {
        connection.exec(`DELETE FROM "${tableName}" WHERE false`);
    } catch (error) {
        if (!isBusy(error)) {
            throw error;
        }
    }
}
