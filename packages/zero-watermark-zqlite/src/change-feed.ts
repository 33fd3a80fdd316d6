import { setImmediate } from 'node:timers/promises';

import { isWatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import type { ViewFollower } from '@cbnsndwch/zero-contracts/backend';

import { IN_MEMORY } from './options-check.js';
import { readAll, TURN_MS } from './read-all.js';
import type { RecordRow } from './record-table.js';
import { RowReader } from './row-reader.js';
import type { Session } from './session.js';
import type { StoreDatabase } from './store-database.js';
import { WakeUp } from './wake-up.js';

/** How often a look is taken whether another process has written, while something is watched. */
const POLL_MS = 100;

/** How often it is said that nothing can be read. */
const COMPLAIN_MS = 60_000;

interface KeyListener {
    /** The revision up to which it knows everything. */
    knows: number;
    readonly deliver: (row: RecordRow) => void;
}

interface Iteration {
    readonly wakeUp: WakeUp;
    readonly reader: RowReader;
}

/** Is told of all rows, and of this process's own while they are being committed, before their writers know. */
export interface RowFollower extends Omit<ViewFollower, 'told'> {
    row(row: RecordRow): void;
}

/**
 * Notices what this process and others write, and says it in the order of the revisions. Nothing runs while nothing is
 * watched.
 *
 * Writes of this process are noticed when they are committed. Those of others show in a number that SQLite keeps in
 * shared memory, which is looked at ten times a second.
 */
export class ChangeFeed {
    readonly #database: StoreDatabase;
    readonly #listeners = new Map<string, Set<KeyListener>>();
    readonly #iterations = new Set<Iteration>();
    readonly #followers = new Set<RowFollower>();
    /** The followers know of other data, of which they have not been told everything. */
    #begunAnew = false;
    /** Reads for the listeners; `undefined` while nothing is watched. */
    #reader: RowReader | undefined;
    #timer: NodeJS.Timeout | undefined;
    #dataVersion = 0;
    /** Something may be there that could not be read yet. */
    #behind = false;
    #complainedAt = Number.NEGATIVE_INFINITY;

    constructor(database: StoreDatabase) {
        this.#database = database;
        database.onReplaced(() => this.#beginAnew());
    }

    /** Calls back for each later revision of a key, until the returned function is called; if wanted, now for the newest. */
    listen(key: string, includeCurrent: boolean, deliver: (row: RecordRow) => void): Promise<() => void> {
        return this.#database.read(session => {
            this.#start(session);
            // In this order: what another process writes in between is the newest, or comes as a change.
            const head = session.records.head();
            const newest = session.records.newest(key);
            const listener = { knows: Math.max(head, newest?.revision ?? 0), deliver };
            const listeners = this.#listeners.get(key) ?? new Set();
            this.#listeners.set(key, listeners.add(listener));
            if (includeCurrent && newest !== undefined && newest.record !== null) {
                deliver(newest);
            }
            return () => {
                listeners.delete(listener);
                if (listeners.size === 0 && this.#listeners.get(key) === listeners) {
                    this.#listeners.delete(key);
                }
                this.#stopIfIdle();
            };
        });
    }

    /** The later revisions of all keys until the signal aborts; if wanted, first what is there, and a word at its end. */
    async *rows(
        includeCurrent: boolean,
        signal: AbortSignal
    ): AsyncGenerator<RecordRow | 'current-complete', void, undefined> {
        const iteration = await this.#database.read(session => {
            this.#start(session);
            const reader = includeCurrent ? RowReader.fromStart() : RowReader.fromEnd(session.records);
            const started = { wakeUp: new WakeUp(), reader };
            this.#iterations.add(started);
            return started;
        });
        const abort = () => iteration.wakeUp.signal();
        signal.addEventListener('abort', abort, { once: true });
        let isCurrentSaid = !includeCurrent;
        let turnBeganAt = performance.now();
        try {
            while (!signal.aborted) {
                if (performance.now() - turnBeganAt > TURN_MS) {
                    await setImmediate();
                    turnBeganAt = performance.now();
                }
                const rows = await this.#next(iteration.reader);
                for (const row of rows ?? []) {
                    if (isCurrentSaid || row.record !== null) {
                        yield row;
                    }
                    if (signal.aborted) {
                        return;
                    }
                }
                if (rows?.length === 0 && !isCurrentSaid) {
                    isCurrentSaid = true;
                    yield 'current-complete';
                } else if (rows === undefined || rows.length === 0) {
                    await iteration.wakeUp.wait();
                }
            }
        } finally {
            signal.removeEventListener('abort', abort);
            this.#iterations.delete(iteration);
            this.#stopIfIdle();
        }
    }

    /** Tells a follower what is there, and what changes, until the returned function is called. */
    async follow(follower: RowFollower): Promise<() => void> {
        const iteration = await this.#database.read(session => {
            this.#start(session);
            this.#followers.add(follower);
            const started = { wakeUp: new WakeUp(), reader: RowReader.fromStart() };
            this.#iterations.add(started);
            return started;
        });
        const stop = () => {
            this.#followers.delete(follower);
            this.#stopIfIdle();
        };
        try {
            // What is committed meanwhile is told by `pump` too: never an older revision of a key after a newer one, as
            // each row is told at the moment it is read.
            await readAll(this.#database, iteration.reader, row => follower.row(row));
        } catch (error) {
            stop();
            throw error;
        } finally {
            this.#iterations.delete(iteration);
        }
        follower.complete();
        if (this.#database.path === IN_MEMORY) {
            follower.confirmed(Number.POSITIVE_INFINITY);
        }
        return stop;
    }

    /** Says what was written since the last time; to be called after each commit of this process. */
    pump(): void {
        const { session } = this.#database;
        if (this.#reader === undefined || session === undefined) {
            return;
        }
        const beganAt = performance.now();
        try {
            let rows = this.#reader.next(session.records);
            while (rows.length > 0) {
                rows.forEach(row => this.#tell(row));
                // That listener may have been the last.
                rows = this.#reader?.next(session.records) ?? [];
            }
            this.#behind = false;
            this.#confirm(beganAt);
        } catch (error) {
            // The next look, a moment later, makes up for it.
            this.#complain(error);
        }
        this.#iterations.forEach(({ wakeUp }) => wakeUp.signal());
    }

    /** Tells nobody anything any more. */
    close(): void {
        this.#listeners.clear();
        this.#iterations.clear();
        this.#followers.clear();
        this.#stopIfIdle();
    }

    #tell(row: RecordRow): void {
        this.#followers.forEach(follower => follower.row(row));
        for (const listener of this.#listeners.get(row.key) ?? []) {
            if (row.revision > listener.knows) {
                listener.knows = row.revision;
                listener.deliver(row);
            }
        }
    }

    #start(session: Session): void {
        if (this.#reader !== undefined) {
            return;
        }
        this.#begunAnew = false;
        // In this order: what another process writes in between changes the number once more.
        this.#dataVersion = session.records.dataVersion();
        this.#reader = RowReader.fromEnd(session.records, () => {
            this.#database.logger.warn(
                `The database ${this.#database.path} was set back; watches go on with what it holds now.`
            );
            this.#forget();
        });
        if (this.#database.path !== IN_MEMORY) {
            this.#lookLater();
        }
    }

    #stopIfIdle(): void {
        if (this.#listeners.size + this.#iterations.size + this.#followers.size === 0) {
            clearTimeout(this.#timer);
            this.#reader = undefined;
        }
    }

    #lookLater(): void {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => void this.#look(), POLL_MS);
    }

    async #look(): Promise<void> {
        const beganAt = performance.now();
        try {
            const session = await this.#database.current();
            const dataVersion = session.records.dataVersion();
            if (dataVersion !== this.#dataVersion || this.#behind) {
                this.#dataVersion = dataVersion;
                this.pump();
            } else {
                this.#confirm(beganAt);
            }
        } catch (error) {
            this.#complain(error);
        }
        if (this.#reader !== undefined) {
            this.#lookLater();
        }
    }

    /** The next rows of an iteration; `undefined`: they can't be read now. */
    async #next(reader: RowReader): Promise<readonly RecordRow[] | undefined> {
        try {
            return await this.#database.read(({ records }) => reader.next(records));
        } catch (error) {
            this.#complain(error);
            return undefined;
        }
    }

    /** Notes that something could not be read, and says so now and then. */
    #complain(error: unknown): void {
        this.#behind = true;
        this.#followers.forEach(follower => follower.interrupted());
        const now = performance.now();
        if (now - this.#complainedAt > COMPLAIN_MS && !isWatermarkError(error, WatermarkErrorCode.CLOSED)) {
            this.#complainedAt = now;
            this.#database.logger.error('Watches wait until the database can be read again.', error);
        }
    }

    #beginAnew(): void {
        this.#forget();
        this.#behind = true;
        this.#reader?.beginAnew();
        this.#iterations.forEach(({ reader }) => reader.beginAnew());
    }

    /** The followers know everything that was there at a moment. */
    #confirm(atMs: number): void {
        for (const follower of this.#followers) {
            if (this.#begunAnew) {
                follower.complete();
            }
            follower.confirmed(atMs);
        }
        this.#begunAnew = false;
    }

    #forget(): void {
        this.#begunAnew = true;
        this.#followers.forEach(follower => follower.begunAnew());
        for (const listeners of this.#listeners.values()) {
            listeners.forEach(listener => (listener.knows = 0));
        }
    }
}
