import type { Watermark, WatermarkChange } from './watermark.js';

/** Options of {@link WatermarkService.view}. */
export interface ViewOptions {
    /**
     * Only keys that start with this.
     *
     * @default '' (all keys)
     */
    readonly prefix?: string;
    /**
     * The most watermarks that the view may hold; with more it closes, with `VIEW_TOO_LARGE`, rather than leave some out.
     *
     * @default 100_000
     */
    readonly maxEntries?: number;
}

/**
 * - `loading`: not all that was there has arrived yet.
 * - `live`: connected to the store, and told of every change as it comes.
 * - `interrupted`: cut off from the store, or told nothing for five seconds; it holds what it knew, catches up by itself,
 *   and `lagMs` tells how old it is.
 * - `closed`: for good.
 */
export type ViewStatus = 'loading' | 'live' | 'interrupted' | 'closed';

/** What {@link WatermarkView.on} listens for, and what a listener is given. */
export interface ViewEvents {
    /** What the view holds has changed since it was ready, by whichever instance. */
    readonly change: WatermarkChange;
    /** The status has changed. */
    readonly status: ViewStatus;
}

/**
 * A read-only mirror of watermarks in the memory of this process, kept up to date by the store.
 *
 * It holds what `getAll` would give, as it was at most `lagMs` milliseconds ago. What this service has written is in it
 * when the write resolves. A key never goes back to an earlier revision, unless the store itself was set back.
 *
 * Watermarks are frozen, through and through: the mirror is everybody's.
 */
export interface WatermarkView extends AsyncDisposable {
    /**
     * Resolves once all that was there is in the view.
     *
     * @throws {WatermarkError} `UNAVAILABLE`, `PERMISSION_DENIED`, `BUCKET_NOT_FOUND`: it can't be had, and the view is
     *   closed. `VIEW_TOO_LARGE`, `INVALID_ARGUMENT` for options that are wrong, `CLOSED`
     */
    readonly ready: Promise<void>;

    readonly status: ViewStatus;

    /**
     * How old the view may be, in milliseconds: it holds every write that was acknowledged longer ago than this.
     *
     * The store confirms that about once a second, so a live view on a server is up to a second "old" by this measure,
     * though changes arrive within milliseconds. `Infinity` until it is ready.
     */
    readonly lagMs: number;

    /**
     * How many watermarks it holds.
     *
     * @throws {WatermarkError} as {@link get}
     */
    readonly size: number;

    /**
     * The watermark of a key, or `null` when there is none.
     *
     * @throws {WatermarkError} `UNAVAILABLE` until the view is ready, `CLOSED` (or what has closed it) afterwards: never
     *   `null` for what it can't know. `INVALID_KEY` for a key that does not start with the view's prefix.
     */
    get(key: string): Readonly<Watermark> | null;

    /**
     * All watermarks with their keys, in no particular order. What changes during the iteration may or may not be in it.
     *
     * @throws {WatermarkError} as {@link get}
     */
    entries(): IterableIterator<[key: string, watermark: Readonly<Watermark>]>;

    /**
     * Calls back at each event, until the returned function is called.
     *
     * Listeners are called one after the other, right when the view has changed: let them be short. One that throws or
     * rejects is logged, and disturbs nobody. Nobody waits for what a listener returns. After `close()` no call comes.
     */
    on<Name extends keyof ViewEvents>(event: Name, listener: (value: ViewEvents[Name]) => void): () => void;

    /** Lets go of everything. May be called again; closing the service does it too. */
    close(): Promise<void>;
}
