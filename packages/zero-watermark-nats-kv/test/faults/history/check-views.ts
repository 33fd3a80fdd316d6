import { groupBy } from './group-by.js';
import type { History, Observation, Operation, State } from './history.js';
import { answerOf, outcomeOf } from './outcome.js';
import type { Revision } from './revisions.js';
import type { Finding } from './violation.js';

/** A read of one key of a view. */
interface ViewRead {
    readonly operation: Operation;
    readonly found: State | undefined;
    /** What the view had told of the key last. */
    readonly told: Observation | undefined;
    /** When the view was ready. */
    readonly readyMs: number;
}

/** The reads of views of a key that gave something else than the view had told, or without what its process had written. */
export function findInViews(key: string, history: History, revisions: readonly Revision[]): readonly Finding[] {
    const reads = readsOf(key, history);
    const differing = reads.filter(({ found, told }) =>
        found === undefined ? told?.value !== undefined : found.revision !== told?.revision
    );
    return differing.length > 0
        ? differing.map(({ operation, found, told }) => {
              const explanation = `The view holds ${nameOf(found)}, and has told of ${nameOf(told)}.`;
              return { kind: 'view-differs', about: operation.client, explanation };
          })
        : findWithoutOwn(reads, history, revisions);
}

function readsOf(key: string, { operations, observations, watchers }: History): readonly ViewRead[] {
    const told = groupBy(observations, ({ watcher }) => watcher);
    const readyMs = new Map(watchers.map(({ watcher, fromMs }) => [watcher, fromMs]));
    return operations.flatMap((operation): readonly ViewRead[] => {
        const { call, startMs } = operation;
        const answer = call.kind === 'view' ? answerOf(operation, 'viewed') : undefined;
        if (call.kind !== 'view' || answer === undefined) {
            return [];
        }
        return [
            {
                operation,
                found: answer.states[key],
                told: (told.get(call.view) ?? []).findLast(({ atMs }) => atMs <= startMs),
                readyMs: readyMs.get(call.view) ?? Infinity
            }
        ];
    });
}

function findWithoutOwn(
    reads: readonly ViewRead[],
    { operations }: History,
    revisions: readonly Revision[]
): readonly Finding[] {
    const seenMs = new Map(revisions.map(revision => [revision.revision, revision.seenMs]));
    return reads.flatMap(({ operation, found, told, readyMs }): readonly Finding[] => {
        const isLater = ({ answer, startMs }: Operation) => {
            if (told === undefined) {
                // What was written before the view was ready may have been gone by then.
                return startMs > readyMs;
            }
            return answer?.kind === 'revision' || answer?.kind === 'advanced'
                ? answer.revision > told.revision
                : startMs > (seenMs.get(told.revision) ?? Infinity);
        };
        const missing = operations.find(
            write =>
                isOwnWrite(write, operation) &&
                isLater(write) &&
                (found !== undefined || !mayBeRemoved(write, operations))
        );
        const explanation = `The view holds ${nameOf(told)} after ${missing?.call.kind}() of its process.`;
        return missing === undefined ? [] : [{ kind: 'own-write-not-in-view', about: operation.client, explanation }];
    });
}

function nameOf(state: { readonly revision: number } | undefined): string {
    return state === undefined ? 'nothing' : `revision ${state.revision}`;
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
