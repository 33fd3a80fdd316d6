import type { ExportLines } from './transfer/lines.js';
import {
    exportWatermarks,
    importWatermarks,
    type ImportWatermarksOptions,
    type ImportWatermarksReport
} from './transfer/watermark-transfer.js';
import type { ViewOptions, WatermarkView } from './view.js';

/** The stored record of one key. */
export interface Watermark {
    /** The caller's name of the watermark. */
    key: string;
    /** The position itself: an opaque, non-empty string of the caller's. */
    version: string;
    /** When the store (not the writing process) stored this revision, in milliseconds since the epoch. */
    timestamp: number;
    /** What the caller stored beside the version. */
    data?: Record<string, unknown>;
    /** The store's number for this write; a later write of the same key has a larger one. */
    readonly revision: number;
}

/** What {@link WatermarkService.advance} did. */
export type AdvanceResult =
    { readonly advanced: true; readonly revision: number } | { readonly advanced: false; readonly current: Watermark };

/** Options of {@link WatermarkService.advance}. */
export interface AdvanceOptions {
    /**
     * Orders two versions: negative when `a` is before `b`, zero when they are the same position.
     *
     * @default plain string order, as Zero orders LexiVersions
     */
    readonly compare?: (a: string, b: string) => number;
}

/** Options of {@link WatermarkService.watch}. */
export interface WatchOptions {
    /**
     * Also deliver the watermark that is there now, before all changes. Deletions that are past are not told.
     *
     * @default false
     */
    readonly includeCurrent?: boolean;
    /** Called when the key is deleted, with the revision and time (ms since the epoch) of the deletion. */
    readonly onDelete?: (deletion: {
        readonly key: string;
        readonly revision: number;
        readonly timestamp: number;
    }) => void;
}

/** Options of {@link WatermarkService.watchAll}. */
export interface WatchAllOptions {
    /**
     * Only keys that start with this.
     *
     * @default '' (all keys)
     */
    readonly prefix?: string;
    /**
     * Begin with all watermarks that are there now, then say `current-complete`, then go on with changes.
     *
     * What was replaced or deleted before is left out as a rule. A store whose replicas lag may tell of it nevertheless,
     * but what it tells last of a key is right, and it tells of a deletion only where it has told of the watermark.
     *
     * @default false
     */
    readonly includeCurrent?: boolean;
    /** Ends the iteration, without an error, when it aborts. */
    readonly signal?: AbortSignal;
}

/** What has become of one key. */
export type WatermarkChange =
    | { readonly type: 'set'; readonly watermark: Watermark }
    | { readonly type: 'delete'; readonly key: string; readonly revision: number; readonly timestamp: number };

/** One thing that {@link WatermarkService.watchAll} saw. */
export type WatermarkEvent = WatermarkChange | { readonly type: 'current-complete' };

/**
 * Named progress marks that every instance of an application reads, writes and watches.
 *
 * The class is contract and injection token in one: ask your container for `WatermarkService` and get whichever
 * backend the application has configured. All methods reject (they never throw synchronously) with a
 * {@link WatermarkError}; each can also reject with `UNAVAILABLE`, `PERMISSION_DENIED`, `BUCKET_NOT_FOUND` or
 * `CLOSED`. Absence is `null`, not an error.
 */
export abstract class WatermarkService implements AsyncDisposable {
    /**
     * The watermark of a key, or `null` when there is none or it was deleted.
     *
     * @throws {WatermarkError} `INVALID_KEY`; `CORRUPT_RECORD` when the store holds something else under the key.
     */
    abstract get(key: string): Promise<Watermark | null>;

    /**
     * Stores a watermark, whatever is there.
     *
     * Resolves once the store has it durably. Calls that one service gets for one key while a write of it is under way
     * are merged: the newest wins, and all of them resolve once it is stored. `data` is read at the call.
     *
     * @throws {WatermarkError} `INVALID_KEY`, `INVALID_VERSION`, `INVALID_DATA`, `VALUE_TOO_LARGE`: nothing was stored;
     *   `OUTCOME_UNKNOWN`: it may have been stored.
     */
    abstract set(key: string, version: string, data?: Record<string, unknown>): Promise<void>;

    /**
     * Removes a watermark. Removing one that is not there is no error.
     *
     * @throws {WatermarkError} `INVALID_KEY`; `OUTCOME_UNKNOWN`: it may have been removed.
     */
    abstract delete(key: string): Promise<void>;

    /**
     * Removes all watermarks. Watches see each of them deleted, and revisions go on where they are.
     *
     * What is written meanwhile may or may not be removed. Records that this library did not write stay, and are logged.
     *
     * @throws {WatermarkError} as {@link delete}; some of the watermarks may then have been removed.
     */
    abstract clear(): Promise<void>;

    /**
     * All watermarks, by key. Records that this library did not write are left out and logged.
     *
     * It holds every write that was acknowledged before the call; writes made meanwhile may or may not be in it.
     */
    abstract getAll(): Promise<Map<string, Watermark>>;

    /**
     * The watermarks of the given keys, by key, in the given order; keys without a watermark are left out.
     *
     * @throws {WatermarkError} as {@link get}, for the first key that fails.
     */
    abstract getMany(keys: Iterable<string>): Promise<Map<string, Watermark>>;

    /**
     * Stores a watermark only if the key has none. Of any number of concurrent callers exactly one wins.
     *
     * @returns the revision
     * @throws {RevisionConflictError} the key has a watermark; carries its revision.
     * @throws {WatermarkError} as {@link set}, and `CORRUPT_RECORD` when something else is stored under the key.
     */
    abstract create(key: string, version: string, data?: Record<string, unknown>): Promise<number>;

    /**
     * Stores a watermark only if the key is still at `expectedRevision`.
     *
     * The store itself does the check, so a stale read cannot break it. A key that was deleted is at no revision, not at
     * that of its deletion either.
     *
     * @returns the new revision
     * @throws {RevisionConflictError} the key has moved on; carries the actual revision, `null` when there is none.
     * @throws {WatermarkError} as {@link set}, `INVALID_ARGUMENT` for a revision that is not a positive whole number,
     *   and `CORRUPT_RECORD` when something else is stored under the key.
     */
    abstract compareAndSet(
        key: string,
        expectedRevision: number,
        version: string,
        data?: Record<string, unknown>
    ): Promise<number>;

    /**
     * Stores a watermark only if that takes the key forward; a key without a watermark takes any version.
     *
     * Equal is not forward. However many callers compete, the stored version never goes backwards.
     *
     * @throws {WatermarkError} as {@link set}, and `CORRUPT_RECORD` when something else is stored under the key.
     */
    abstract advance(
        key: string,
        version: string,
        data?: Record<string, unknown>,
        options?: AdvanceOptions
    ): Promise<AdvanceResult>;

    /**
     * The revisions of a key, oldest first, as far back as the store keeps them. Deletions and records that this
     * library did not write are left out.
     *
     * @throws {WatermarkError} `INVALID_KEY`
     */
    abstract history(key: string): Promise<readonly Watermark[]>;

    /**
     * Calls back for every change of one key, in revision order, until the returned function is called.
     *
     * Resolves once no later write can be missed. Goes on across restarts of the store and lost connections; revisions
     * that were replaced meanwhile may be left out, the last one is always delivered. A callback that throws or rejects
     * is logged, and the watch goes on. After the returned function was called, no call comes.
     *
     * @throws {WatermarkError} `INVALID_KEY`
     */
    abstract watch(key: string, callback: (watermark: Watermark) => void, options?: WatchOptions): Promise<() => void>;

    /**
     * Iterates over the changes of all keys, with the guarantees of {@link watch}.
     *
     * Watching begins with the first `next()`. It ends when the consumer breaks, when the signal aborts, or when the
     * service closes.
     */
    abstract watchAll(options?: WatchAllOptions): AsyncIterable<WatermarkEvent>;

    /**
     * A mirror of the watermarks in the memory of this process, for reads without a round trip.
     *
     * Never throws: what is wrong rejects {@link WatermarkView.ready}. It lives until it is closed, or the service is.
     */
    abstract view(options?: ViewOptions): WatermarkView;

    /**
     * All watermarks as lines of JSON, to be imported into any other store. Each piece is one line, with its end.
     *
     * Each key as it was at one moment of the export, once; what is written meanwhile may or may not be in it. An export
     * has a seal every thousand lines and an end, so that an import notices what was altered or cut off.
     *
     * @throws {WatermarkError} as {@link getAll}
     */
    exportWatermarks(): AsyncIterable<string> {
        return exportWatermarks(this);
    }

    /**
     * Takes in what {@link exportWatermarks} of any store wrote, and reads back what it has stored.
     *
     * A key that is there with the same version and data counts as done, so an import that was interrupted is simply run
     * again. A key that is there with anything else stays as it is, and is reported. Timestamps and revisions are this
     * store's own.
     *
     * @throws {ImportError} `INVALID_EXPORT`: the line is not one of an export, or the export was altered or cut off
     *   there. Nothing of the block of lines that ends there was stored. `IMPORT_CONFLICT`: what was stored is not there.
     * @throws {WatermarkError} as {@link create}; some of the watermarks may then have been stored.
     */
    async importWatermarks(lines: ExportLines, options?: ImportWatermarksOptions): Promise<ImportWatermarksReport> {
        return importWatermarks(this, lines, options);
    }

    /** Ends all watches, lets writes under way finish, and releases what the service holds. May be called again. */
    abstract close(): Promise<void>;

    /** The same as {@link close}, for `await using`. */
    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }
}
