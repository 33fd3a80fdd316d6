import { isWatermarkError, type WatermarkLogger } from '@cbnsndwch/zero-contracts';
import { backOff, closedError, Deadline } from '@cbnsndwch/zero-contracts/backend';

import { fileGone } from './database-file.js';
import { Session, type SessionOptions } from './session.js';
import { fromFileSystem, isBusy, isSqliteError, toWatermarkError } from './sqlite-errors.js';

/** For how long reads may go on in a file that another one has taken the place of. */
const RECHECK_MS = 100;

/** Another process has the lock for about as long as the disk takes. */
const BACK_OFF = { firstMs: 1, mostMs: 10 };

/** The file of a store: the session that is open on it, and what is done when it is locked, gone, or another one. */
export class StoreDatabase {
    readonly #options: SessionOptions;
    #session: Session | undefined;
    #checkedAt = performance.now();
    #reopening: Promise<Session> | undefined;
    #closed = false;
    #onReplaced: () => void = () => {};

    private constructor(options: SessionOptions) {
        this.#options = options;
    }

    /**
     * Opens the file, and makes it where it is missing.
     *
     * @throws {WatermarkError} `BUCKET_NOT_FOUND`, `BUCKET_MISMATCH`, `PERMISSION_DENIED`, `UNAVAILABLE`, `CORRUPT_RECORD`
     */
    static async open(options: SessionOptions): Promise<StoreDatabase> {
        const database = new StoreDatabase(options);
        database.#session = await database.whileBusy(Deadline.in(database.busyTimeoutMs), async () =>
            Session.open(options, true)
        );
        return database;
    }

    get path(): string {
        return this.#options.options.database;
    }

    get busyTimeoutMs(): number {
        return this.#options.options.busyTimeoutMs;
    }

    get logger(): WatermarkLogger {
        return this.#options.options.logger;
    }

    /** The session, without a look at whether it is still the right one; `undefined` while there is none. */
    get session(): Session | undefined {
        return this.#session;
    }

    /** Calls back whenever another file has taken the place of the one that was open. */
    onReplaced(callback: () => void): void {
        this.#onReplaced = callback;
    }

    /**
     * Reads. It sees every write that was acknowledged before, in whichever process.
     *
     * @throws {WatermarkError} `UNAVAILABLE`, `BUCKET_NOT_FOUND`, `CORRUPT_RECORD`, `CLOSED`, and what `run` throws
     */
    async read<T>(run: (session: Session) => T): Promise<T> {
        const recent = performance.now() - this.#checkedAt < RECHECK_MS;
        if (recent && this.#session !== undefined) {
            try {
                return run(this.#session);
            } catch (error) {
                // It may be locked, or another file may have taken its place.
                if (!isSqliteError(error)) {
                    throw error;
                }
            }
        }
        return this.whileBusy(Deadline.in(this.busyTimeoutMs), async () => run(await this.current()));
    }

    /**
     * The session on the file that is at the path now.
     *
     * @throws {WatermarkError} `BUCKET_NOT_FOUND`: there is none any more. `CLOSED`
     */
    async current(): Promise<Session> {
        if (this.#closed) {
            throw closedError();
        }
        const found = this.#session?.compareFile() ?? 'replaced';
        if (found === 'missing') {
            throw fileGone(this.path);
        }
        if (found === 'replaced' || this.#session === undefined) {
            this.#reopening ??= this.#reopen().finally(() => (this.#reopening = undefined));
            return this.#reopening;
        }
        this.#checkedAt = performance.now();
        return this.#session;
    }

    /** Repeats what changes nothing until no other process is in the way, or the deadline has passed. */
    async whileBusy<T>(deadline: Deadline, run: () => Promise<T>): Promise<T> {
        for (let attempt = 0; ; attempt += 1) {
            try {
                return await run();
            } catch (error) {
                if (!isBusy(error) || deadline.passed()) {
                    throw this.toWatermarkError(error);
                }
            }
            await this.pause(attempt, deadline);
        }
    }

    /** Waits a moment for another process to be done. */
    pause(attempt: number, deadline: Deadline): Promise<void> {
        return backOff(attempt, deadline, BACK_OFF);
    }

    /** What a failure means to the caller. What the application's own functions throw stays as it is. */
    toWatermarkError(error: unknown): unknown {
        if (isWatermarkError(error)) {
            return error;
        }
        if (this.#closed) {
            return closedError();
        }
        return isSqliteError(error)
            ? toWatermarkError(error, this.path, this.busyTimeoutMs)
            : fromFileSystem(error, this.path);
    }

    close(): void {
        this.#closed = true;
        this.#session?.close();
        this.#session = undefined;
    }

    async #reopen(): Promise<Session> {
        // Nobody reads in it any more without coming by here.
        this.#checkedAt = Number.NEGATIVE_INFINITY;
        const replaced = this.#session;
        await this.whileBusy(Deadline.in(this.busyTimeoutMs), async () => {
            replaced?.leaveReplaced();
            this.#session = undefined;
        });
        const session = await this.whileBusy(Deadline.in(this.busyTimeoutMs), async () =>
            Session.open(this.#options, false)
        );
        if (this.#closed) {
            session.close();
            throw closedError();
        }
        this.#session = session;
        this.#checkedAt = performance.now();
        this.logger.warn(`The database ${this.path} was replaced by another file; the store goes on with that one.`);
        this.#onReplaced();
        return session;
    }
}
