import type { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import type { Answer, Call, History, Observation, Operation, Watcher } from './history.js';

/** A call that was answered: by client "a", unless said otherwise. */
export function done(
    startMs: number,
    endMs: number,
    call: Call,
    answer: Answer = { kind: 'done' },
    client = 'a'
): Operation {
    return { client, call, startMs, endMs, answer };
}

/** A call that failed with a code. */
export function failed(
    startMs: number,
    endMs: number,
    call: Call,
    code: WatermarkErrorCode,
    actualRevision?: number
): Operation {
    return {
        client: 'a',
        call,
        startMs,
        endMs,
        error: { code },
        ...(actualRevision === undefined ? {} : { actualRevision })
    };
}

/** A call whose client ended first. */
export function open(startMs: number, call: Call, client = 'killed'): Operation {
    return { client, call, startMs };
}

export function revision(number: number): Answer {
    return { kind: 'revision', revision: number };
}

/** What a read found: a value at a revision, or nothing. */
export function found(value?: string, number?: number): Answer {
    return { kind: 'state', state: value === undefined || number === undefined ? null : { value, revision: number } };
}

/** A history with this in it. */
export function recorded(
    operations: readonly Operation[],
    { watchers = [], observations = [], finalStates = {}, finalTokens = {} }: Partial<History> = {}
): History {
    return { timeoutMs: 15_000, operations, watchers, observations, finalStates, finalTokens };
}

export function told(atMs: number, key: string, number: number, value?: string, watcher = 'w'): Observation {
    return { watcher, atMs, key, revision: number, ...(value === undefined ? {} : { value }) };
}

export function watcher(fromMs: number, watched?: string, untilMs?: number): Watcher {
    return {
        watcher: 'w',
        fromMs,
        ...(watched === undefined ? {} : { watched }),
        ...(untilMs === undefined ? {} : { untilMs })
    };
}
