import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import type { History, Operation, State } from './history.js';
import { answerOf, endOf, type Outcome, outcomeOf } from './outcome.js';

/** A call that changes a key, or would. */
export interface Write {
    readonly kind: 'set' | 'create' | 'compareAndSet' | 'advance' | 'delete' | 'clear';
    /** `null`: it removes the key. */
    readonly value: string | null;
    readonly expectedRevision: number | undefined;
    readonly outcome: Outcome;
    /** The revision that was answered. */
    readonly revision: number | undefined;
    readonly startMs: number;
    /** Before this it had its effect, if it has one. */
    readonly endMs: number;
}

/** What a call has found: the key at a revision, without a watermark, or anywhere but at a revision. */
export type Found =
    | { readonly kind: 'at'; readonly revision: number }
    | { readonly kind: 'nothing' }
    | { readonly kind: 'something' }
    | { readonly kind: 'not-at'; readonly revision: number };

/** Something that a call has found out about a key at some moment while it ran. */
export interface Read {
    readonly found: Found;
    readonly startMs: number;
    readonly endMs: number;
    /** Whether a majority decided it, so that a leader that was deposed can't have answered. */
    readonly isCertain: boolean;
    /** Whether a call that removes all keys says so of this one. */
    readonly isClear?: true;
}

/** A revision that was seen, by whatever means: by then it had been written. */
export interface Sighting {
    readonly revision: number;
    /** `null`: a deletion; `undefined`: a watermark whose value was not told. */
    readonly value: string | null | undefined;
    readonly atMs: number;
}

/** What a history says about one key. */
export interface KeyStory {
    readonly writes: readonly Write[];
    readonly reads: readonly Read[];
    readonly sightings: readonly Sighting[];
    readonly final: State | null;
}

/** Reads what a key's history says. */
export function tellStory(key: string, history: History): KeyStory {
    const writes: Write[] = [];
    const reads: Read[] = [];
    const sightings: Sighting[] = [];
    const saw = (state: State, atMs: number) => sightings.push({ ...state, atMs });
    for (const operation of history.operations) {
        const write = writeOf(operation, key);
        if (write !== undefined) {
            writes.push(write);
        }
        reads.push(...readsOf(operation, key));
        sightings.push(...sightingsOf(operation, key, write));
    }
    for (const { revision, value = null, atMs } of history.observations) {
        sightings.push({ revision, value, atMs });
    }
    const final = history.finalStates[key] ?? null;
    if (final !== null) {
        saw(final, Infinity);
    }
    return { writes, reads, sightings, final };
}

function writeOf(operation: Operation, key: string): Write | undefined {
    const { call, startMs } = operation;
    const common = { outcome: outcomeOf(operation), startMs, endMs: endOf(operation) };
    switch (call.kind) {
        case 'set':
            answerOf(operation, 'done');
            return { ...common, kind: 'set', value: call.value, expectedRevision: undefined, revision: undefined };
        case 'delete':
            answerOf(operation, 'done');
            return { ...common, kind: 'delete', value: null, expectedRevision: undefined, revision: undefined };
        case 'importKeys':
            return importOf(operation, call.values[key], call.onConflict);
        case 'clear':
            // Whether it has found something to remove here, it does not say. Of one that fails plainly nothing comes later.
            answerOf(operation, 'done');
            return {
                ...common,
                outcome: 'unknown',
                kind: 'clear',
                value: null,
                expectedRevision: undefined,
                revision: undefined
            };
        case 'create':
        case 'compareAndSet': {
            const revision = answerOf(operation, 'revision')?.revision;
            const expectedRevision = call.kind === 'compareAndSet' ? call.expectedRevision : undefined;
            return { ...common, kind: call.kind, value: call.value, expectedRevision, revision };
        }
        case 'advance': {
            const answer = answerOf(operation, 'advanced', 'notAdvanced');
            return answer?.kind === 'notAdvanced'
                ? undefined
                : {
                      ...common,
                      kind: 'advance',
                      value: call.value,
                      expectedRevision: undefined,
                      revision: answer?.revision
                  };
        }
        default:
            return undefined;
    }
}

/** What is imported takes the place of nothing, or of anything; with others that it may have been stored if it fails. */
function importOf(operation: Operation, value: string | undefined, onConflict: 'keep' | 'replace'): Write | undefined {
    const answer = answerOf(operation, 'imported');
    if (value === undefined || (answer !== undefined && answer.refused.length > 0)) {
        return undefined;
    }
    return {
        kind: onConflict === 'keep' ? 'create' : 'set',
        value,
        outcome: answer === undefined ? 'unknown' : 'done',
        expectedRevision: undefined,
        revision: undefined,
        startMs: operation.startMs,
        endMs: endOf(operation)
    };
}

function readsOf(operation: Operation, key: string): readonly Read[] {
    const { call, startMs, endMs = Infinity, actualRevision } = operation;
    const read = (found: Found, isCertain = false): readonly Read[] => [{ found, startMs, endMs, isCertain }];
    const at = (state: State | null | undefined, ageMs = 0): readonly Read[] => {
        const isThere = state !== null && state !== undefined;
        const found: Found = isThere ? { kind: 'at', revision: state.revision } : { kind: 'nothing' };
        return [{ found, startMs: startMs - ageMs, endMs, isCertain: false }];
    };
    switch (call.kind) {
        case 'get': {
            const answer = answerOf(operation, 'state');
            return answer === undefined ? [] : at(answer.state);
        }
        case 'getMany':
        case 'getAll':
        case 'exportKeys': {
            const answer = answerOf(operation, 'states');
            return answer === undefined ? [] : at(answer.states[key]);
        }
        case 'view': {
            const answer = answerOf(operation, 'viewed');
            return answer === undefined ? [] : at(answer.states[key], answer.lagMs);
        }
        case 'importKeys':
            // What it leaves is something else.
            return answerOf(operation, 'imported')?.refused.includes(key) === true ? read({ kind: 'something' }) : [];
        case 'clear':
            // It has removed the key, or found that it is not there.
            return operation.answer === undefined
                ? []
                : [{ found: { kind: 'nothing' }, startMs, endMs, isCertain: false, isClear: true }];
        case 'advance': {
            const answer = answerOf(operation, 'advanced', 'notAdvanced');
            return answer?.kind === 'notAdvanced' ? at(answer.current) : [];
        }
        case 'create':
            // What was in the way is read, and that may be answered by a leader that was deposed.
            return !isConflict(operation)
                ? []
                : read(actualRevision === undefined ? { kind: 'something' } : { kind: 'at', revision: actualRevision });
        case 'compareAndSet':
            return isConflict(operation) ? read({ kind: 'not-at', revision: call.expectedRevision }, true) : [];
        default:
            return [];
    }
}

function sightingsOf(operation: Operation, key: string, write: Write | undefined): readonly Sighting[] {
    const { call, answer, endMs: atMs = Infinity, actualRevision } = operation;
    const saw = (state: State): Sighting => ({ ...state, atMs });
    switch (answer?.kind) {
        case 'revision':
        case 'advanced': {
            const own = write?.revision === undefined ? [] : [{ revision: write.revision, value: write.value, atMs }];
            const expected =
                call.kind === 'compareAndSet' ? [{ revision: call.expectedRevision, value: undefined, atMs }] : [];
            return [...own, ...expected];
        }
        case 'state':
            return answer.state === null ? [] : [saw(answer.state)];
        case 'states':
        case 'viewed':
            return Object.entries(answer.states)
                .filter(([name]) => name === key)
                .map(([, state]) => saw(state));
        case 'revisions':
            return answer.states.map(saw);
        case 'notAdvanced':
            return [saw(answer.current)];
        default:
            return isConflict(operation) && actualRevision !== undefined
                ? [{ revision: actualRevision, value: undefined, atMs }]
                : [];
    }
}

export function isConflict({ error }: Operation): boolean {
    return error !== undefined && 'code' in error && error.code === WatermarkErrorCode.REVISION_CONFLICT;
}
