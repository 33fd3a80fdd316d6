import type { History, Operation, State } from './history.js';

interface Part {
    operations: Operation[];
    watchers: History['watchers'][number][];
    observations: History['observations'][number][];
    finalStates: Record<string, State>;
    finalTokens: Record<string, History['finalTokens'][string]>;
}

/** The history of each key: keys don't affect each other. Of `getMany` and `getAll` each key has its part. */
export function splitByKey(history: History): ReadonlyMap<string, History> {
    const parts = new Parts();
    for (const operation of history.operations) {
        const { call } = operation;
        if (call.kind === 'getMany' || call.kind === 'getAll') {
            for (const key of new Set(call.keys)) {
                parts.of(key).operations.push(readOfOneKey(operation, key));
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
    return parts.histories(history.timeoutMs);
}

/** The history of each shard: shards don't affect each other. */
export function splitByShard(history: History): ReadonlyMap<string, History> {
    const parts = new Parts();
    for (const operation of history.operations) {
        if ('shard' in operation.call) {
            parts.of(operation.call.shard).operations.push(operation);
        }
    }
    for (const [shard, tokens] of Object.entries(history.finalTokens)) {
        parts.of(shard).finalTokens[shard] = tokens;
    }
    return parts.histories(history.timeoutMs);
}

/** The part of a read of several keys that is about one of them. */
function readOfOneKey(operation: Operation, key: string): Operation {
    const { call, answer } = operation;
    if (answer !== undefined && answer.kind !== 'states') {
        throw new RangeError(`${call.kind} was recorded with an answer of the kind ${answer.kind}; expected: states.`);
    }
    const state = answer?.states[key];
    const part =
        answer === undefined ? {} : { answer: { ...answer, states: state === undefined ? {} : { [key]: state } } };
    return { ...operation, call: { kind: call.kind === 'getAll' ? 'getAll' : 'getMany', keys: [key] }, ...part };
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
