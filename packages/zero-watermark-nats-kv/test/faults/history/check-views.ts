import { groupBy } from './group-by.js';
import type { History, Observation, Operation, State } from './history.js';
import { answerOf, outcomeOf } from './outcome.js';
import type { Revision } from './revisions.js';
import type { Finding } from './violation.js';

/** A read of one key of a view, and what the view had told of the key last; `undefined`: nothing. */
interface ViewRead {
    readonly operation: Operation;
    readonly found: State | undefined;
    readonly told: Observation | undefined;
}

/** The reads of views of a key that gave something else than the view had told, or without what its process had written. */
export function findInViews(key: string, history: History, revisions: readonly Revision[]): readonly Finding[] {
    const told = groupBy(history.observations, ({ watcher }) => watcher);
    const reads = history.operations.flatMap((operation): readonly ViewRead[] => {
        const { call } = operation;
        const answer = call.kind === 'view' ? answerOf(operation, 'viewed') : undefined;
        if (call.kind !== 'view' || answer === undefined) {
            return [];
        }
        const before = (told.get(call.view) ?? []).filter(({ atMs }) => atMs <= operation.startMs);
        return [{ operation, found: answer.states[key], told: before.at(-1) }];
    });
    const differing = reads.filter(({ found, told }) => {
        return found === undefined ? told?.value !== undefined : found.revision !== told?.revision;
    });
    if (differing.length > 0) {
        return differing.map(({ operation, found, told }) => ({
            kind: 'view-differs',
            about: operation.client,
            explanation: `The view holds ${found?.revision ?? 'nothing'}, and has told of ${told?.revision ?? 'nothing'}.`
        }));
    }
    const seenMs = new Map(revisions.map(({ revision, seenMs }) => [revision, seenMs]));
    const beganMs = new Map(history.watchers.map(({ watcher, fromMs }) => [watcher, fromMs]));
    return reads.flatMap(({ operation, found, told }): readonly Finding[] => {
        const own = history.operations.filter(write => isOwnWrite(write, operation));
        const isLater = ({ answer, startMs }: Operation) => {
            if (told === undefined) {
                // What was written before the view began may have been gone by then.
                return startMs > ('view' in operation.call ? (beganMs.get(operation.call.view) ?? Infinity) : Infinity);
            }
            return answer?.kind === 'revision' || answer?.kind === 'advanced'
                ? answer.revision > told.revision
                : startMs > (seenMs.get(told.revision) ?? Infinity);
        };
        const missing = own.find(
            write => isLater(write) && (found !== undefined || !mayBeRemoved(write, history.operations))
        );
        const explanation = `The view holds ${told?.revision ?? 'nothing'} after ${missing?.call.kind}() of its process.`;
        return missing === undefined ? [] : [{ kind: 'own-write-not-in-view', about: operation.client, explanation }];
    });
}

/** Whether a call has written the key for the process of a view before that was read. */
function isOwnWrite(write: Operation, { client, startMs }: Operation): boolean {
    const { call, answer, endMs = Infinity } = write;
    const isWrite = ['set', 'create', 'compareAndSet', 'advance', 'delete'].includes(call.kind);
    const isStored = isWrite && outcomeOf(write) === 'done' && answer?.kind !== 'notAdvanced';
    return isStored && write.client === client && endMs < startMs;
}

/** Whether the same process has removed a key with or after a write: of what was not there, a view tells nothing. */
function mayBeRemoved(write: Operation, operations: readonly Operation[]): boolean {
    return operations.some(({ call, client, endMs = Infinity }) => {
        const removes = call.kind === 'delete' || call.kind === 'clear';
        return removes && client === write.client && endMs >= write.startMs;
    });
}
