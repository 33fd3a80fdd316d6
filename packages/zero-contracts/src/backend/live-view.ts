import { WatermarkError, WatermarkErrorCode } from '../errors.js';
import { quoted } from '../quoted.js';
import type { WatermarkLogger } from '../store.js';
import type { ViewEvents, ViewOptions, ViewStatus, WatermarkView } from '../view.js';
import type { Watermark, WatermarkChange } from '../watermark.js';
import { checkKey } from './arguments.js';
import { closedError } from './failures.js';
import { Listeners } from './listeners.js';
import { Mirror, placeOf } from './mirror.js';

/** Without a confirmation for this long, a view says that it is interrupted. */
const SILENCE_MS = 5_000;

/** How often that is looked at. */
const LOOK_MS = 500;

/** What a store tells a view. Times are on the monotonic clock of this process, `performance.now()`. */
export interface ViewFollower {
    /** What is there, and then what changes, of all keys, in the order of the revisions. What can't be read is deleted. */
    told(change: WatermarkChange): void;
    /** All that was there when it began, also when it has begun anew, has been told. */
    complete(): void;
    /** The store holds other data than before (made anew, restored): what is there is told from the start. */
    begunAnew(): void;
    /** Every write that was acknowledged before this moment has been told; `Infinity`: until further notice, always. */
    confirmed(atMs: number): void;
    /** The store is out of reach; what changes will be told once it is there again. */
    interrupted(): void;
}

/** Where the views of a service come from: the part of them that each store has its own way for. */
export interface ViewSource {
    readonly logger: WatermarkLogger;
    /**
     * Begins to tell a follower of all that is there and of all that changes, until the function that it gives is called.
     *
     * @throws {WatermarkError} it can't begin
     */
    follow(follower: ViewFollower): Promise<() => void>;
}

/** A {@link WatermarkView} that follows a store. */
export class LiveView implements WatermarkView {
    readonly ready: Promise<void>;
    readonly #source: ViewSource;
    readonly #prefix: string;
    readonly #maxEntries: number;
    readonly #onClose: (view: LiveView) => void;
    #mirror = new Mirror();
    readonly #listeners: { readonly [Name in keyof ViewEvents]: Listeners<ViewEvents[Name]> } = {
        change: new Listeners(),
        status: new Listeners()
    };
    #watchdog: NodeJS.Timeout | undefined;
    #status: ViewStatus = 'loading';
    /** Whether what is here may be given out, which is asked for at each read. */
    #readable = false;
    #beganAt = performance.now();
    #confirmedAt = Number.NEGATIVE_INFINITY;
    #interruptedAt = Number.NEGATIVE_INFINITY;
    #stopFollowing: () => void = () => {};
    #closedBy: unknown;
    #tellReady: () => void = () => {};
    #tellFailed: (error: unknown) => void = () => {};

    constructor(
        source: ViewSource,
        { prefix = '', maxEntries = 100_000 }: ViewOptions,
        onClose: (view: LiveView) => void
    ) {
        this.#source = source;
        this.#prefix = prefix;
        this.#maxEntries = maxEntries;
        this.#onClose = onClose;
        this.ready = new Promise((resolve, reject) => {
            this.#tellReady = resolve;
            this.#tellFailed = reject;
        });
        // Whoever does not wait for it learns of the failure from the first read.
        this.ready.catch(() => {});
    }

    /** Begins to follow the store. */
    start(): void {
        this.#watchdog = setInterval(() => this.#look(), LOOK_MS);
        this.#watchdog.unref();
        void this.#follow();
    }

    get status(): ViewStatus {
        return this.#status;
    }

    get lagMs(): number {
        return Math.max(0, performance.now() - this.#confirmedAt);
    }

    get size(): number {
        return this.#entries().size;
    }

    get(key: string): Readonly<Watermark> | null {
        const found = this.#entries().get(key);
        if (found === undefined && !this.#isMeant(checkKey(key))) {
            throw new WatermarkError(
                WatermarkErrorCode.INVALID_KEY,
                `The view holds only keys that start with ${quoted(this.#prefix)}, not ${quoted(key)}.`,
                { remediation: 'Read it with get(), or make the prefix of the view shorter.' }
            );
        }
        return found ?? null;
    }

    entries(): IterableIterator<[key: string, watermark: Readonly<Watermark>]> {
        return this.#entries().entries();
    }

    on<Name extends keyof ViewEvents>(event: Name, listener: (value: ViewEvents[Name]) => void): () => void {
        return this.#listeners[event].add(listener);
    }

    async close(): Promise<void> {
        this.closeWith(closedError());
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }

    /** Closes the view; `error` is what whoever reads it is told from now on. */
    closeWith(error: unknown): void {
        if (this.#status === 'closed') {
            return;
        }
        clearInterval(this.#watchdog);
        this.#stopFollowing();
        this.#closedBy = error;
        this.#readable = false;
        // Another one, and not less in this one: an iteration that is under way must not seem to have come to the end.
        this.#mirror = new Mirror();
        this.#setStatus('closed');
        this.#listeners.change.clear();
        this.#listeners.status.clear();
        this.#tellFailed(error);
        this.#onClose(this);
    }

    /** Takes in what this process has written, before the store tells of it. */
    wrote(change: WatermarkChange): void {
        if (this.#isMeant(placeOf(change).key)) {
            this.#note(this.#mirror.wrote(change));
        }
    }

    async #follow(): Promise<void> {
        try {
            const stop = await this.#source.follow(this.#follower());
            if (this.#status === 'closed') {
                stop();
            } else {
                this.#stopFollowing = stop;
            }
        } catch (error) {
            this.#fail(error);
        }
    }

    #follower(): ViewFollower {
        const whileOpen =
            <Args extends unknown[]>(run: (...args: Args) => void) =>
            (...args: Args) => {
                if (this.#status !== 'closed') {
                    run(...args);
                }
            };
        return {
            told: whileOpen(change => {
                if (this.#isMeant(placeOf(change).key)) {
                    this.#note(this.#mirror.told(change));
                }
            }),
            complete: whileOpen(() => this.#complete()),
            begunAnew: whileOpen(() => {
                this.#beganAt = performance.now();
                this.#mirror.begunAnew();
                this.#interrupt();
            }),
            confirmed: whileOpen(atMs => this.#confirm(atMs)),
            interrupted: whileOpen(() => this.#interrupt())
        };
    }

    #complete(): void {
        const gone = this.#mirror.complete(Date.now());
        this.#readable = true;
        gone.forEach(change => this.#note(change));
        this.#interruptedAt = Number.NEGATIVE_INFINITY;
        this.#confirm(this.#beganAt);
        this.#tellReady();
    }

    #confirm(atMs: number): void {
        if (!this.#readable || atMs < this.#interruptedAt) {
            return;
        }
        this.#confirmedAt = Math.max(this.#confirmedAt, atMs);
        this.#setStatus('live');
    }

    #interrupt(): void {
        this.#interruptedAt = performance.now();
        if (this.#readable) {
            this.#setStatus('interrupted');
        }
    }

    #look(): void {
        if (this.#status === 'live' && this.lagMs > SILENCE_MS) {
            this.#setStatus('interrupted');
        }
    }

    /** Tells of a change, unless all that is there is still being told. */
    #note(change: WatermarkChange | undefined): void {
        if (this.#mirror.entries.size > this.#maxEntries) {
            this.#fail(tooLarge(this.#maxEntries));
        } else if (change !== undefined && this.#readable) {
            this.#emit('change', change);
        }
    }

    #setStatus(status: ViewStatus): void {
        if (this.#status !== status) {
            this.#status = status;
            this.#emit('status', status);
        }
    }

    #emit<Name extends keyof ViewEvents>(event: Name, value: ViewEvents[Name]): void {
        this.#listeners[event].tell(value, error =>
            this.#source.logger.error(`A listener of "${event}" of a view failed.`, error)
        );
    }

    #fail(error: unknown): void {
        if (this.#readable) {
            // Before, `ready` says so.
            this.#source.logger.error('A view of watermarks was closed.', error);
        }
        this.closeWith(error);
    }

    #isMeant(key: string): boolean {
        return key.startsWith(this.#prefix);
    }

    #entries(): ReadonlyMap<string, Readonly<Watermark>> {
        if (!this.#readable) {
            throw this.#status === 'closed' ? this.#closedBy : notReady();
        }
        return this.#mirror.entries;
    }
}

function notReady(): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.UNAVAILABLE, 'The view does not hold all that is there yet.', {
        remediation: 'Await `ready` of the view before you read it.'
    });
}

function tooLarge(maxEntries: number): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.VIEW_TOO_LARGE,
        `There are more than ${maxEntries} watermarks for the view.`,
        { remediation: 'Give it a longer prefix, or raise maxEntries.' }
    );
}
