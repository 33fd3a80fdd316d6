import type { History, Operation, State } from './history.js';
import { answerOf, type CallOf, endOf, MAX_STALENESS_MS } from './outcome.js';

interface Part {
    operations: Operation[];
    watchers: History['watchers'][number][];
    observations: History['observations'][number][];
    finalStates: Record<string, State>;
    finalTokens: Record<string, History['finalTokens'][string]>;
}

/** The history of each key: keys don't affect each other. Of calls for several or all keys each key has its part. */
export function splitByKey(history: History): ReadonlyMap<string, History> {
    const parts = new Parts();
    for (const operation of history.operations) {
        const { call } = operation;
        if (call.kind === 'importKeys') {
            for (const [key, value] of Object.entries(call.values)) {
                parts.of(key).operations.push(importOfOneKey(operation, { ...call, values: { [key]: value } }, key));
            }
        } else if ('keys' in call) {
            for (const key of new Set(call.keys)) {
                parts.of(key).operations.push(readOfOneKey(operation, call, key));
            }
        } else if ('key' in call) {
            parts.of(call.key).operations.push(operation);
        }
    }
    for (const observation of history.observations) {
        parts.of(observation.key).observations.push(observation);
    }
    for (const [key, state] of Object.entries(history.finalStates)) {
        parts.of(key).finalStates[key] = state;
    }
    const ofAll = history.watchers.filter(({ watched }) => watched === undefined);
    parts.all.forEach(part => part.watchers.push(...ofAll));
    for (const watcher of history.watchers) {
        if (watcher.watched !== undefined) {
            parts.of(watcher.watched).watchers.push(watcher);
        }
    }
    const clears = history.operations.filter(({ call }) => call.kind === 'clear');
    parts.all.forEach(part => part.operations.push(...clearsThatMatter(part, clears)));
    return parts.histories(history.timeoutMs);
}

/**
 * Of the times when all keys were removed, those that can have removed this one: not those that were over before it was
 * first used, nor those after the first one that must have found that nothing is left to be removed.
 */
function clearsThatMatter({ operations, observations, finalStates }: Part, clears: readonly Operation[]): Operation[] {
    const events = [...operations.map(({ startMs }) => startMs), ...observations.map(({ atMs }) => atMs)];
    const firstMs = Math.min(...events);
    const restsFromMs = Math.max(...events, ...operations.map(({ endMs = 0 }) => endMs)) + MAX_STALENESS_MS;
    const hasFinalState = Object.keys(finalStates).length > 0;
    const last = clears.find(({ answer, startMs }) => answer !== undefined && startMs > restsFromMs);
    return clears.filter(clear => {
        const isOver = last !== undefined && !hasFinalState && clear.startMs > last.startMs;
        return endOf(clear) > firstMs && !isOver;
    });
}

/** The history of each shard: shards don't affect each other. */
export function splitByShard(history: History): ReadonlyMap<string, History> {
    const parts = new Parts();
    for (const operation of history.operations) {
        if ('shard' in operation.call) {
            parts.of(operation.call.shard).operations.push(operation);
        } else if (operation.call.kind === 'clearShards') {
            operation.call.shards.forEach(shard => parts.of(shard).operations.push(operation));
        }
    }
    for (const [shard, tokens] of Object.entries(history.finalTokens)) {
        parts.of(shard).finalTokens[shard] = tokens;
    }
    return parts.histories(history.timeoutMs);
}

function importOfOneKey(operation: Operation, call: CallOf<'importKeys'>, key: string): Operation {
    const answer = answerOf(operation, 'imported');
    const refused = answer?.refused.filter(each => each === key);
    return { ...operation, call, ...(refused === undefined ? {} : { answer: { kind: 'imported', refused } }) };
}

/** The part of a read of several keys that is about one of them. */
function readOfOneKey(
    operation: Operation,
    call: CallOf<'getMany' | 'getAll' | 'exportKeys' | 'view'>,
    key: string
): Operation {
    const answer = answerOf(operation, 'states', 'viewed');
    const state = answer?.states[key];
    const part =
        answer === undefined ? {} : { answer: { ...answer, states: state === undefined ? {} : { [key]: state } } };
    return { ...operation, call: { ...call, keys: [key] }, ...part };
}

class Parts {
    readonly all = new Map<string, Part>();

    of(name: string): Part {
        const part = this.all.get(name) ?? {
            ...{ operations: [], watchers: [], observations: [] },
            ...{ finalStates: emptyRecord(), finalTokens: emptyRecord() }
        };
        this.all.set(name, part);
        return part;
    }

    histories(timeoutMs: number): Map<string, History> {
        return new Map([...this.all].map(([name, part]) => [name, { timeoutMs, ...part }]));
    }
}

/** A record in which `__proto__` is a key like any other. */
function emptyRecord<T>(): Record<string, T> {
    return Object.create(null) as Record<string, T>;
}
