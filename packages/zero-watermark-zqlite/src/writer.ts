import { closedError, Deadline, notSentBehind } from '@cbnsndwch/zero-contracts/backend';

import type { Session } from './session.js';
import { concernsOneCall, isBusy, isCertainAtCommit, isSqliteError, outcomeUnknown } from './sqlite-errors.js';
import type { StoreDatabase } from './store-database.js';

/** How many rows one transaction takes, or about as many: some 20 ms, for which nothing else in the process runs. */
const MAX_ROWS = 2_000;

/** How a write stands to others. */
export interface WriteOptions {
    /** Writes of one lane succeed in their order: when one fails, all that wait behind it fail too. */
    readonly lane?: string;
    /**
     * About how many rows it writes.
     *
     * @default 1
     */
    readonly rows?: number;
}

/** Tells a caller what became of its write, once the transaction is on the disk. */
type Answer = () => void;

interface Write {
    readonly lane: string | undefined;
    readonly rows: number;
    /** When it was asked for, on the monotonic clock of this process, if another process had the lock then. */
    readonly since: number | undefined;
    readonly run: (session: Session) => Answer;
    readonly reject: (error: unknown) => void;
}

/**
 * Runs the writes of one process in the order of the calls, as many as wait in one transaction: so that a write that is
 * on the disk before it is acknowledged costs a share of a flush, and not a whole one.
 */
export class Writer {
    readonly #database: StoreDatabase;
    readonly #onCommit: () => void;
    #waiting: Write[] = [];
    #running = false;
    /** How often in a row another process had the lock, and since when. */
    #attempt = 0;
    #lockedSince: number | undefined;
    #closed = false;

    /** @param onCommit called after each transaction, before its callers learn of it */
    constructor(database: StoreDatabase, onCommit: () => void) {
        this.#database = database;
        this.#onCommit = onCommit;
    }

    /**
     * Runs `run` within a transaction. What it throws is the caller's answer, and what it wrote before stays.
     *
     * @throws {WatermarkError} `UNAVAILABLE`, `PERMISSION_DENIED`, `BUCKET_NOT_FOUND`, `CORRUPT_RECORD`, `CLOSED`: nothing
     *   was written. `OUTCOME_UNKNOWN`
     */
    write<T>(run: (session: Session) => T, { lane, rows = 1 }: WriteOptions = {}): Promise<T> {
        return new Promise<T>((resolve, reject) => {
            if (this.#closed) {
                reject(closedError());
                return;
            }
            const runAndAnswer = (session: Session) => {
                const result = run(session);
                return () => resolve(result);
            };
            const since = this.#lockedSince === undefined ? undefined : performance.now();
            this.#waiting.push({ lane, rows, since, run: runAndAnswer, reject });
            if (!this.#running) {
                this.#runSoon();
            }
        });
    }

    /** Fails what still waits. */
    close(): void {
        this.#closed = true;
        this.#failAll(closedError());
    }

    /** Whatever is called in this turn of the event loop, also by what it wakes up, goes into one transaction. */
    #runSoon(): void {
        this.#running = true;
        setImmediate(() => void this.#run());
    }

    async #run(): Promise<void> {
        try {
            const session = this.#database.session ?? (await this.#database.current());
            await this.#runOn(session);
        } catch (error) {
            this.#failAll(this.#database.toWatermarkError(error));
        }
        this.#running = false;
        if (this.#waiting.length > 0) {
            this.#runSoon();
        }
    }

    async #runOn(session: Session): Promise<void> {
        const locked = this.#begin(session);
        if (locked !== undefined) {
            this.#attempt += 1;
            this.#lockedSince ??= performance.now();
            await this.#waitForOthers(locked);
            return;
        }
        try {
            // Looked at with the lock in hand: nobody writes to a file after another one has taken its place.
            if (session.compareFile() === 'same') {
                this.#attempt = 0;
                this.#lockedSince = undefined;
                this.#runGroup(session, this.#takeGroup());
                return;
            }
        } finally {
            // Whatever failed, a look at the file too: a lock that is kept stops all processes.
            session.rollback();
        }
        await this.#database.current();
    }

    /** Takes the lock; gives SQLite's error when another process has it. */
    #begin(session: Session): unknown {
        try {
            session.begin();
            return undefined;
        } catch (error) {
            if (isBusy(error)) {
                return error;
            }
            throw error;
        }
    }

    #runGroup(session: Session, group: readonly Write[]): void {
        const answers = this.#runInTransaction(session, group);
        try {
            this.#onCommit();
        } finally {
            answers.forEach(answer => answer());
        }
    }

    /** Runs the writes and commits. When the transaction as a whole fails, that is the answer to all of them. */
    #runInTransaction(session: Session, group: readonly Write[]): readonly Answer[] {
        const answers: Answer[] = [];
        const failedLanes = new Map<string, unknown>();
        try {
            for (const write of group) {
                answers.push(this.#runOne(session, write, failedLanes));
            }
            session.commit();
        } catch (error) {
            const failure =
                answers.length === group.length && isSqliteError(error) && !isCertainAtCommit(error)
                    ? outcomeUnknown(error, this.#database.path)
                    : this.#database.toWatermarkError(error);
            session.rollback();
            for (const { lane } of group) {
                this.#failLane(lane, failure);
            }
            return group.map(write => refusal(write, failure));
        }
        for (const [lane, error] of failedLanes) {
            this.#failLane(lane, error);
        }
        return answers;
    }

    #runOne(session: Session, write: Write, failedLanes: Map<string, unknown>): Answer {
        const { lane } = write;
        if (lane !== undefined && failedLanes.has(lane)) {
            return refusal(write, notSentBehind(failedLanes.get(lane)));
        }
        try {
            return write.run(session);
        } catch (error) {
            if (isSqliteError(error) && !concernsOneCall(error)) {
                throw error;
            }
            const failure = this.#database.toWatermarkError(error);
            if (lane !== undefined) {
                failedLanes.set(lane, failure);
            }
            return refusal(write, failure);
        }
    }

    #takeGroup(): readonly Write[] {
        let rows = 0;
        const end = this.#waiting.findIndex((write, index) => {
            rows += write.rows;
            return index > 0 && rows > MAX_ROWS;
        });
        if (end !== -1) {
            return this.#waiting.splice(0, end);
        }
        const all = this.#waiting;
        this.#waiting = [];
        return all;
    }

    /** Waits for whoever has the lock; fails the writes that can wait no longer. */
    async #waitForOthers(locked: unknown): Promise<void> {
        const error = this.#database.toWatermarkError(locked);
        const remainingMs = ({ since }: Write) =>
            // What it waited for others of this process is not the lock's fault.
            Math.max(since ?? 0, this.#lockedSince ?? 0) + this.#database.busyTimeoutMs - performance.now();
        const late = new Set(this.#waiting.filter(write => remainingMs(write) <= 0));
        this.#waiting = this.#waiting.filter(write => !late.has(write));
        late.forEach(({ reject }) => reject(error));
        new Set([...late].map(({ lane }) => lane)).forEach(lane => this.#failLane(lane, error));
        const [first] = this.#waiting;
        if (first !== undefined) {
            await this.#database.pause(this.#attempt, Deadline.in(remainingMs(first)));
        }
    }

    #failLane(lane: string | undefined, cause: unknown): void {
        if (lane === undefined) {
            return;
        }
        const behind = this.#waiting.filter(write => write.lane === lane);
        this.#waiting = this.#waiting.filter(write => write.lane !== lane);
        behind.forEach(({ reject }) => reject(notSentBehind(cause)));
    }

    #failAll(error: unknown): void {
        const all = this.#waiting;
        this.#waiting = [];
        all.forEach(({ reject }) => reject(error));
    }
}

function refusal({ reject }: Write, error: unknown): Answer {
    return () => reject(error);
}
