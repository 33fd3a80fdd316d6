import { unlinkSync } from 'node:fs';

import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import { compareIdentity, type FileIdentity, hasSameLog, identityOf, inspectFile } from './database-file.js';
import type { ResolvedZqliteOptions } from './options.js';
import { IN_MEMORY } from './options-check.js';
import { RecordTable } from './record-table.js';
import { type Migration, MIGRATIONS, prepareSchema } from './schema.js';
import type { Connection, SqliteLibrary } from './sqlite.js';
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
    readonly #identity: FileIdentity | undefined;
    readonly #begin;
    readonly #beginReading;
    readonly #commit;
    readonly #rollback;
    readonly #dataVersion;

    private constructor(connection: Connection, options: ResolvedZqliteOptions) {
        this.#connection = connection;
        this.records = new RecordTable(connection, options.tableName, options.history);
        this.tokens = new TokenTable(connection, options.tableName);
        this.#begin = connection.prepare<[], void>('BEGIN IMMEDIATE');
        this.#beginReading = connection.prepare<[], void>('BEGIN');
        this.#commit = connection.prepare<[], void>('COMMIT');
        this.#rollback = connection.prepare<[], void>('ROLLBACK');
        this.#dataVersion = connection.prepare<[], number>('PRAGMA data_version').pluck();
        this.records.head();
        this.#identity = options.database === IN_MEMORY ? undefined : identityOf(options.database);
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
            inspectFile(sqlite, path);
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

    /** Another number than before: another connection has written. */
    dataVersion(): number {
        return this.#dataVersion.get() ?? 0;
    }

    /** Whether the path still leads to the file that is open here. */
    compareFile(): 'same' | 'missing' | 'replaced' {
        return this.#identity === undefined ? 'same' : compareIdentity(this.#identity);
    }

    close(): void {
        this.#connection.close();
    }

    /**
     * Closes a file that another one has taken the place of. Its log must not be taken for that of the new one, so it is
     * brought into the old file, wherever that is now, and removed. All processes that have the old file open do the same,
     * one after the other: whoever finds another log at the path leaves that alone.
     */
    leaveReplaced(): void {
        try {
            this.#connection.pragma('wal_checkpoint(PASSIVE)');
            this.begin();
            if (this.#identity !== undefined && hasSameLog(this.#identity)) {
                const { logPath } = this.#identity;
                unlinkSync(logPath);
                unlinkSync(logPath.replace(/-wal$/, '-shm'));
            }
        } finally {
            this.rollback();
            this.close();
        }
    }
}
