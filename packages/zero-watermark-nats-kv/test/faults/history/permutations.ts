import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import type { History, Operation } from './history.js';

/** What a key is after some calls; `revision` is `undefined` while nothing has told it. */
interface Entry {
    readonly value: string | null;
    revision: number | undefined;
}

/**
 * Whether some order of the calls of one key explains a history, found by trying all of them: slow and plain, to compare
 * the search with. For `set`, `create`, `compareAndSet`, `advance`, `delete`, `clear` and `get`.
 */
export function hasOrder(key: string, { operations, finalStates }: History): boolean {
    const final = finalStates[key] ?? null;
    const isEnd = (log: readonly Entry[]) => {
        const copy = copyOf(log);
        return isAt(copy, final?.value ?? null, final?.revision) && grows(copy);
    };
    return goOn(
        operations.filter(operation => !isPlainFailure(operation)),
        [],
        isEnd,
        -Infinity
    );
}

/** `sinceMs`: when the last of the calls that have been taken had begun. */
function goOn(
    left: readonly Operation[],
    log: readonly Entry[],
    isEnd: (log: readonly Entry[]) => boolean,
    sinceMs: number
): boolean {
    const required = left.filter(({ answer, error }) => answer !== undefined || isConflict(error));
    if (required.length === 0 && isEnd(log)) {
        return true;
    }
    return left.some(operation => {
        const isNext = required.every(other => other === operation || !((other.endMs ?? Infinity) < operation.startMs));
        const next = isNext && !isOver(operation, sinceMs) ? applied(operation, copyOf(log)) : undefined;
        return (
            next !== undefined &&
            goOn(
                left.filter(other => other !== operation),
                next,
                isEnd,
                Math.max(sinceMs, operation.startMs)
            )
        );
    });
}

/** Whether a call that has failed, and may have removed something, can do so no more. */
function isOver({ call, error, endMs = Infinity }: Operation, sinceMs: number): boolean {
    const isInDoubt = error !== undefined && 'code' in error && error.code === WatermarkErrorCode.OUTCOME_UNKNOWN;
    return call.kind === 'clear' && !isInDoubt && endMs < sinceMs;
}

/** The key after a call, or `undefined` if the call can't have ended so. */
function applied({ call, answer, error }: Operation, log: Entry[]): Entry[] | undefined {
    const value = log.at(-1)?.value ?? null;
    const write = (written: string | null) => {
        log.push({
            value: written,
            revision: answer !== undefined && 'revision' in answer ? answer.revision : undefined
        });
        return log;
    };
    switch (call.kind) {
        case 'set':
            return write(call.value);
        case 'delete':
            return write(null);
        case 'clear':
            return value === null ? log : write(null);
        case 'create':
            return isConflict(error)
                ? value === null
                    ? undefined
                    : log
                : value === null
                  ? write(call.value)
                  : undefined;
        case 'compareAndSet': {
            if (isConflict(error)) {
                return value !== null && log.at(-1)?.revision === call.expectedRevision ? undefined : log;
            }
            return value !== null && isAt(log, value, call.expectedRevision) ? write(call.value) : undefined;
        }
        case 'advance':
            if (answer?.kind === 'notAdvanced') {
                const { current } = answer;
                return current.value >= call.value && isAt(log, current.value, current.revision) ? log : undefined;
            }
            return value === null || call.value > value ? write(call.value) : undefined;
        case 'get': {
            const state = answer?.kind === 'state' ? answer.state : null;
            return isAt(log, state?.value ?? null, state?.revision) ? log : undefined;
        }
        default:
            throw new RangeError(`${call.kind} is not tried`);
    }
}

/** Whether a key can be at a state, which then is what is known of it. */
function isAt(log: readonly Entry[], value: string | null, revision: number | undefined): boolean {
    const last = log.at(-1);
    if (last === undefined || value === null) {
        return value === (last?.value ?? null);
    }
    if (last.value !== value || (last.revision !== undefined && last.revision !== revision)) {
        return false;
    }
    last.revision = revision;
    return true;
}

function grows(log: readonly Entry[]): boolean {
    const known = log.flatMap(({ revision }) => (revision === undefined ? [] : [revision]));
    return known.every((revision, index) => revision > (known[index - 1] ?? 0));
}

function copyOf(log: readonly Entry[]): Entry[] {
    return log.map(entry => ({ ...entry }));
}

function isConflict(error: Operation['error']): boolean {
    return error !== undefined && 'code' in error && error.code === WatermarkErrorCode.REVISION_CONFLICT;
}

function isPlainFailure({ call, answer, error }: Operation): boolean {
    const isPlain = error !== undefined && 'code' in error && error.code !== WatermarkErrorCode.OUTCOME_UNKNOWN;
    // What fails to remove all keys may have removed this one.
    return (isPlain && !isConflict(error) && call.kind !== 'clear') || (call.kind === 'get' && answer === undefined);
}
