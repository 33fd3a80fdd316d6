import { WatermarkError, WatermarkErrorCode } from './errors.js';
import { assignInOrder, type AssignOptions } from './assign-watermarks.js';
import { isLexiVersion, type LexiVersion, majorOf } from './lexi-version.js';
import type { ExportLines } from './transfer/lines.js';
import type { ImportResumeTokensReport } from './transfer/token-transfer.js';

/** Under which existing change sources ask their container for a {@link IWatermarkService}. */
export const TOKEN_WATERMARK_SERVICE: unique symbol = Symbol.for('TOKEN_WATERMARK_SERVICE');

/** What a change source needs to turn its upstream's cursor into Zero's watermarks and back. */
export interface IWatermarkService {
    /** The watermark of a resume token: the same one for the same token, a larger one for a later token. */
    getOrCreateWatermark(shardId: string, resumeToken: string): Promise<LexiVersion>;
    /** The resume token of a watermark, or `undefined` when it is not (any more) known. */
    getResumeToken(shardId: string, watermark: LexiVersion): Promise<string | undefined>;
}

/** Where a change source goes on after zero-cache has connected. */
export type ResumePoint =
    /** zero-cache has nothing yet and sent no watermark. */
    | { readonly kind: 'initial-sync' }
    /** Go on right after this position of the upstream. */
    | { readonly kind: 'resume'; readonly resumeToken: string }
    /** zero-cache has to begin anew: its watermark can't be turned into a position of the upstream. */
    | {
          readonly kind: 'reset-required';
          /**
           * `pruned`: it is older than what is kept. `unknown`: this shard never gave it. `ahead-of-head`: the store lost
           * history that it had already given out.
           */
          readonly reason: 'pruned' | 'unknown' | 'ahead-of-head';
          /** The same for people. */
          readonly message: string;
      };

/** A shard's newest watermark. */
export interface ShardHead {
    readonly watermark: LexiVersion;
    readonly resumeToken: string;
}

/** A change with the watermark it is to be sent with. */
export interface AssignedChange<T> {
    readonly change: T;
    readonly watermark: LexiVersion;
}

/** Options of {@link ResumeTokenService.exportWatermarks}. */
export interface ExportResumeTokensOptions {
    /**
     * Which shards.
     *
     * @default all that the store has
     */
    readonly shardIds?: readonly string[];
}

/**
 * Gives every position of an upstream exactly one watermark, in upstream order, and turns watermarks back.
 *
 * The class is contract and injection token in one. All methods reject (they never throw synchronously) with a
 * {@link WatermarkError}; each can also reject with `UNAVAILABLE`, `PERMISSION_DENIED`, `BUCKET_NOT_FOUND`, `CLOSED`,
 * `INVALID_ARGUMENT` for a shard id or token that is empty or not well-formed, and, if it asks for something,
 * `IMPORT_UNFINISHED` while the shard is being imported. Shards don't affect each other.
 */
export abstract class ResumeTokenService implements IWatermarkService, AsyncDisposable {
    /**
     * The watermark of a resume token, made when the token is new.
     *
     * One token has one watermark, whichever instance asks, until it is pruned. Calls of one service for one shard get
     * their watermarks in the order of the calls, also when they overlap and when writes are retried: a call that fails
     * fails all that were made after it and had no answer yet. One that is refused for its arguments fails alone.
     *
     * @throws {WatermarkError} `OUTCOME_UNKNOWN`: asking again is safe, and gives the token its one watermark;
     *   `HISTORY_LOST`: the store lost history while it was in use, and the shard begins anew above all that it gave;
     *   `OUT_OF_ORDER`: with `compareResumeTokens`, a new token that is before the head; `VALUE_TOO_LARGE`.
     */
    abstract getOrCreateWatermark(shardId: string, resumeToken: string): Promise<LexiVersion>;

    /**
     * The watermarks of many resume tokens at once, in the order in which they are given. The array is read at the call.
     *
     * @throws {WatermarkError} as {@link getOrCreateWatermark}; some of the tokens may then have got theirs.
     */
    abstract getOrCreateWatermarks(shardId: string, resumeTokens: readonly string[]): Promise<LexiVersion[]>;

    /**
     * The resume token of a watermark, or `undefined` when this shard never gave it or has pruned it.
     *
     * Of a `major.minor` watermark the major counts.
     *
     * @throws {WatermarkError} `INVALID_ARGUMENT`: not a LexiVersion.
     */
    abstract getResumeToken(shardId: string, watermark: LexiVersion): Promise<string | undefined>;

    /**
     * Where to go on after zero-cache has connected with `lastWatermark`; `undefined` or empty, it has none.
     *
     * `reset-required` is said only when it is certain, because a reset costs a full sync. When history was lost
     * (`ahead-of-head`) the shard is moved above everything it ever gave before this resolves.
     */
    abstract resume(shardId: string, lastWatermark: LexiVersion | undefined): Promise<ResumePoint>;

    /**
     * The watermark of a snapshot taken at this position, to be used as its `replicaVersion`.
     *
     * Always a new one, also for a token that has a watermark: zero-cache 1.9 can't begin anew with a `replicaVersion`
     * that it has had before.
     *
     * @throws {WatermarkError} as {@link getOrCreateWatermark}
     */
    abstract beginSync(shardId: string, resumeToken: string): Promise<LexiVersion>;

    /**
     * zero-cache has committed this watermark: what is older may go, as far as the retention options let it.
     *
     * For commit acknowledgements only, not for echoes of status messages. Resolves without waiting for the removal. A
     * watermark that this shard never gave is logged and removes nothing.
     */
    abstract acknowledge(shardId: string, watermark: LexiVersion): Promise<void>;

    /**
     * Says that the upstream's history is gone: every watermark given so far resumes with a reset from now on.
     *
     * An instance may remember what it gave lately until it is asked to `resume`, or gives something new.
     *
     * @throws {WatermarkError} `OUTCOME_UNKNOWN`: it may have been abandoned, or may still be. Asking again is safe.
     */
    abstract abandon(shardId: string): Promise<void>;

    /**
     * Removes the resume tokens of all shards that the store has: {@link abandon} for each of them. No number that was
     * given out is given out again.
     *
     * @throws {WatermarkError} as {@link abandon}; some of the shards may then have been cleared.
     */
    abstract clear(): Promise<void>;

    /** The newest watermark of a shard, or `null` when it has none. */
    abstract head(shardId: string): Promise<ShardHead | null>;

    /** Prepares shards beforehand, for applications that may not make buckets or tables while they run. */
    abstract provision(shardIds: readonly string[]): Promise<void>;

    /**
     * All watermarks with their resume tokens as lines of JSON, to be imported into any other store. Each piece is one
     * line, with its end.
     *
     * Stop whatever gives out watermarks first: those that are given out meanwhile are not in it.
     *
     * @throws {WatermarkError} as {@link head}; `INVALID_ARGUMENT` for a shard that is named and has no watermarks;
     *   `HISTORY_LOST` when a shard is emptied meanwhile.
     */
    abstract exportWatermarks(options?: ExportResumeTokensOptions): AsyncIterable<string>;

    /**
     * Takes in what {@link exportWatermarks} of any store wrote, so that zero-cache goes on with the watermarks it has:
     * each of them resumes where it did, each resume token keeps its watermark, and new watermarks are above all of them.
     * They go as those that the store made itself do: by {@link acknowledge}, and by {@link abandon}.
     *
     * A shard takes watermarks in as long as it has given out none of its own, and answers nothing
     * (`IMPORT_UNFINISHED`) until the import is complete. What is there already is left as it is, so an import that was
     * interrupted is simply run again, also by several at once. Everything that is stored is read back.
     *
     * Begin to use the shard after the import: an instance that has used it before does not know of it, and what it gives
     * out meanwhile makes the import fail, or is lost.
     *
     * @throws {ImportError} `INVALID_EXPORT`: the line is not one of an export, or the export was altered or cut off
     *   there; nothing of the block of lines that ends there was stored. `IMPORT_CONFLICT`: the shard has something else,
     *   which stays as it is. `VALUE_TOO_LARGE`.
     * @throws {WatermarkError} as {@link getOrCreateWatermark}; running it again is safe.
     */
    abstract importWatermarks(lines: ExportLines): Promise<ImportResumeTokensReport>;

    /** Lets calls under way finish, and releases what the service holds. May be called again. */
    abstract close(): Promise<void>;

    /** The same as {@link close}, for `await using`. */
    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }

    /**
     * Gives each change its watermark: changes come out in the order in which they went in, many in flight.
     *
     * At most `maxInFlight` changes have been taken from the source and not been handed out. Errors of the source and of
     * the service reach the consumer after all changes before them. When the consumer stops, the source is closed and
     * nothing is left in flight.
     *
     * @throws {WatermarkError} as {@link getOrCreateWatermark}; `OUT_OF_ORDER` when a watermark would not be above the one
     *   before it, because zero-cache would lose its change.
     */
    assignWatermarks<T>(
        shardId: string,
        changes: AsyncIterable<T>,
        options: AssignOptions<T>
    ): AsyncIterableIterator<AssignedChange<T>> {
        return assignInOrder(
            changes,
            (token, { answer, fail }) => void this.getOrCreateWatermark(shardId, token).then(answer, fail),
            options
        );
    }
}

/** For upstreams whose own positions are LexiVersions already (a Postgres LSN, a stream sequence): keeps nothing. */
export class PassthroughWatermarkService implements IWatermarkService {
    /**
     * The token itself.
     *
     * @throws {WatermarkError} `INVALID_ARGUMENT`: not a LexiVersion.
     */
    async getOrCreateWatermark(_shardId: string, resumeToken: string): Promise<LexiVersion> {
        if (!isLexiVersion(resumeToken)) {
            throw new WatermarkError(
                WatermarkErrorCode.INVALID_ARGUMENT,
                `The resume token ${JSON.stringify(resumeToken)} is not a LexiVersion.`,
                { remediation: 'Encode it with versionToLexi(), or use a ResumeTokenService.' }
            );
        }
        return resumeToken;
    }

    /** The watermark itself; of a `major.minor` one the major. `undefined`: not a LexiVersion, so none that this gives. */
    async getResumeToken(_shardId: string, watermark: LexiVersion): Promise<string | undefined> {
        return typeof watermark === 'string' ? majorOf(watermark) : undefined;
    }
}
