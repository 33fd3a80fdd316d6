import type { LexiVersion, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

/** What a client asked for. Keys, shards and tokens are the caller's; a `value` is a watermark's `version`. */
export type Call =
    | { readonly kind: 'set'; readonly key: string; readonly value: string }
    | { readonly kind: 'create'; readonly key: string; readonly value: string }
    | {
          readonly kind: 'compareAndSet';
          readonly key: string;
          readonly value: string;
          readonly expectedRevision: number;
      }
    | { readonly kind: 'advance'; readonly key: string; readonly value: string }
    | { readonly kind: 'delete'; readonly key: string }
    /** Of all keys; each of them has a part of it. */
    | { readonly kind: 'clear' }
    | { readonly kind: 'get'; readonly key: string }
    | { readonly kind: 'getMany'; readonly keys: readonly string[] }
    /** Of everything that was found, the answer holds what is under these keys. */
    | { readonly kind: 'getAll'; readonly keys: readonly string[] }
    /** The same of an export. */
    | { readonly kind: 'exportKeys'; readonly keys: readonly string[] }
    /** Of several values, each of which nobody else writes. */
    | {
          readonly kind: 'importKeys';
          readonly values: Readonly<Record<string, string>>;
          readonly onConflict: 'keep' | 'replace';
      }
    /** A read of a view, under the name by which its client tells of what the view tells (see {@link Watcher}). */
    | { readonly kind: 'view'; readonly view: string; readonly keys: readonly string[] }
    | { readonly kind: 'history'; readonly key: string }
    | { readonly kind: 'provision'; readonly shard: string }
    | { readonly kind: 'watermark'; readonly shard: string; readonly token: string }
    | { readonly kind: 'watermarks'; readonly shard: string; readonly tokens: readonly string[] }
    | { readonly kind: 'tokenOf'; readonly shard: string; readonly watermark: LexiVersion }
    | { readonly kind: 'resume'; readonly shard: string; readonly watermark: LexiVersion }
    | { readonly kind: 'beginSync'; readonly shard: string; readonly token: string }
    | { readonly kind: 'acknowledge'; readonly shard: string; readonly watermark: LexiVersion }
    | { readonly kind: 'head'; readonly shard: string }
    | { readonly kind: 'abandon'; readonly shard: string }
    /** Of all shards of a store, which are these; each of them has a part of it. */
    | { readonly kind: 'clearShards'; readonly shards: readonly string[] }
    /** What was exported of one shard; nothing, if it is said to have nothing. */
    | { readonly kind: 'export'; readonly shard: string }
    /** With `isCut`, only some of the pairs come, and no end. */
    | { readonly kind: 'import'; readonly shard: string; readonly pairs: readonly KeptToken[]; readonly isCut?: true };

/** What was answered; `state` is what a read found, `null` for nothing. */
export interface State {
    readonly value: string;
    readonly revision: number;
}

export type Answer =
    | { readonly kind: 'done' }
    | { readonly kind: 'revision'; readonly revision: number }
    | { readonly kind: 'advanced'; readonly revision: number }
    | { readonly kind: 'notAdvanced'; readonly current: State }
    | { readonly kind: 'state'; readonly state: State | null }
    | { readonly kind: 'states'; readonly states: Readonly<Record<string, State>> }
    /** What a view held, which then was so old at the most. */
    | { readonly kind: 'viewed'; readonly states: Readonly<Record<string, State>>; readonly lagMs: number }
    | { readonly kind: 'revisions'; readonly states: readonly State[] }
    | { readonly kind: 'watermarks'; readonly watermarks: readonly LexiVersion[] }
    /** Under which keys something else was, which stays. */
    | { readonly kind: 'imported'; readonly refused: readonly string[] }
    | { readonly kind: 'pairs'; readonly pairs: readonly KeptToken[] }
    | { readonly kind: 'token'; readonly token: string | null }
    | {
          readonly kind: 'resume';
          readonly point: 'initial-sync' | 'resume' | 'pruned' | 'unknown' | 'ahead-of-head';
          readonly token?: string;
      }
    | { readonly kind: 'head'; readonly head: { readonly watermark: LexiVersion; readonly token: string } | null };

/**
 * One call. Times are milliseconds of the machine's monotonic clock (`process.hrtime.bigint()`), which all processes of a
 * run share. Without an `endMs` the client's process ended first: the call may have had its effect, then or later.
 */
export interface Operation {
    /** One instance of the services; a process that is started again is another client. */
    readonly client: string;
    readonly call: Call;
    readonly startMs: number;
    readonly endMs?: number;
    readonly answer?: Answer;
    /** How it failed: the code of a WatermarkError, or the text of anything else (which is always wrong). */
    readonly error?: { readonly code: WatermarkErrorCode } | { readonly unexpected: string };
    /** What a RevisionConflictError said. */
    readonly actualRevision?: number;
}

/**
 * Somebody who watched. With `watched` it is `watch`, which tells of changes; without, `watchAll` with `includeCurrent`; or
 * a view, which tells of what it holds once it is ready, and then of changes.
 */
export interface Watcher {
    readonly watcher: string;
    /** A view has own writes of its process early, so it tells of revisions of different keys in any order. */
    readonly isView?: true;
    /** The key that is watched, `undefined`: all. */
    readonly watched?: string;
    /** When watching had begun: no later write may be missed. */
    readonly fromMs: number;
    /** When it was ended, or its process; `undefined`: it was watching at the end, so it must have been told the final states. */
    readonly untilMs?: number;
}

/** What a watcher was told, in the order in which it was told. */
export interface Observation {
    readonly watcher: string;
    readonly atMs: number;
    readonly key: string;
    readonly revision: number;
    /** `undefined`: it was deleted. */
    readonly value?: string;
}

/** A token that a shard kept. */
export interface KeptToken {
    readonly watermark: LexiVersion;
    readonly token: string;
    /** Whether it was made by `beginSync`; the token may have another watermark besides. */
    readonly sync: boolean;
}

/** Everything that happened in a run that began with nothing stored, and what was there at its end, read from the stream itself. */
export interface History {
    readonly timeoutMs: number;
    /** The calls of one client are in the order in which they were made. */
    readonly operations: readonly Operation[];
    readonly watchers: readonly Watcher[];
    readonly observations: readonly Observation[];
    /** Each key's last state after everything had come to rest; a key that is not here has none. */
    readonly finalStates: Readonly<Record<string, State>>;
    /** Each shard's tokens, oldest first, after everything had come to rest. */
    readonly finalTokens: Readonly<Record<string, readonly KeptToken[]>>;
}
