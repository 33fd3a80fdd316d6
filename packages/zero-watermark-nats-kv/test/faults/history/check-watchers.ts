import { groupBy } from './group-by.js';
import type { History, Observation, Watcher } from './history.js';
import { outcomeOf } from './outcome.js';
import type { Finding } from './violation.js';

/** The watchers of a key that were told of its revisions in a wrong order, or not of its final state. */
export function findInWatchers(key: string, history: History): readonly Finding[] {
    const told = groupBy(history.observations, ({ watcher }) => watcher);
    const inOrder = [...told].flatMap(([watcher, observations]): readonly Finding[] => {
        const back = findStepBack(observations);
        const explanation = `It was told of revision ${back?.revision} after one that is not smaller.`;
        return back === undefined ? [] : [{ kind: 'watch-order', about: watcher, explanation }];
    });
    if (inOrder.length > 0) {
        return inOrder;
    }
    return history.watchers.flatMap(watcher => {
        const explanation = findMissed(key, watcher, told.get(watcher.watcher) ?? [], history);
        return explanation === undefined
            ? []
            : [{ kind: 'watch-missed-state' as const, about: watcher.watcher, explanation }];
    });
}

export function findStepBack(observations: readonly Observation[]): Observation | undefined {
    return observations.find(({ revision }, index) => revision <= (observations[index - 1]?.revision ?? 0));
}

function findMissed(
    key: string,
    watcher: Watcher,
    observations: readonly Observation[],
    history: History
): string | undefined {
    if (watcher.untilMs !== undefined) {
        return undefined;
    }
    const last = observations.at(-1);
    const final = history.finalStates[key];
    if (final === undefined) {
        const mustKnow =
            last === undefined
                ? wasWrittenAfter(watcher.fromMs, history) && !includesCurrent(watcher)
                : last.value !== undefined;
        return mustKnow ? 'It was not told that the key was deleted.' : undefined;
    }
    const mustKnow = last !== undefined || includesCurrent(watcher) || wasWrittenAfter(watcher.fromMs, history);
    return mustKnow && (last === undefined || last.revision < final.revision)
        ? `It was not told of the final revision ${final.revision}.`
        : undefined;
}

function includesCurrent({ watched }: Watcher): boolean {
    return watched === undefined;
}

/** Whether a write that began after a moment was acknowledged: whatever replaced it came after that moment, too. */
function wasWrittenAfter(fromMs: number, { operations }: History): boolean {
    return operations.some(operation => {
        const { call, startMs, answer } = operation;
        const writes = ['set', 'create', 'compareAndSet', 'advance', 'delete'].includes(call.kind);
        return writes && startMs > fromMs && outcomeOf(operation) === 'done' && answer?.kind !== 'notAdvanced';
    });
}
