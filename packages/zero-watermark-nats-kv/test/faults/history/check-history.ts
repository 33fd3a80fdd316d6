import { checkCall } from './check-calls.js';
import { checkKey, countStaleReads } from './check-key.js';
import { checkShard } from './check-shard.js';
import { findStepBack } from './check-watchers.js';
import { groupBy } from './group-by.js';
import type { History } from './history.js';
import { shrinkHistory, sizeOf } from './shrink.js';
import { splitByKey, splitByShard } from './split.js';
import type { Finding, Violation } from './violation.js';

export { describeViolation } from './describe.js';

/** How many violations are made small; of a run that is broken throughout, these are enough to see why. */
const MAX_SHRUNK = 20;

/**
 * Every promise of docs/guarantees.md and docs/resume-tokens.md that a history breaks, each with the smallest history
 * found that breaks it. Of each call, key, shard and watcher only the first, because what follows may follow from it.
 */
export function checkHistory(history: History): readonly Violation[] {
    const shrunk = { count: 0 };
    return [
        ...checkCalls(history),
        ...[...splitByKey(history)].flatMap(([key, part]) =>
            check(`key ${key}`, part, each => checkKey(key, each), shrunk)
        ),
        ...checkWatchers(history),
        ...[...splitByShard(history)].flatMap(([shard, part]) =>
            check(`shard ${shard}`, part, each => checkShard(shard, each), shrunk)
        )
    ];
}

/** How many reads there are, and how many are older than one single leader would have answered: no violation. */
export function strictReads(history: History): { readonly reads: number; readonly stale: number } {
    const isRead = ({ kind }: { readonly kind: string }) =>
        ['get', 'getMany', 'getAll', 'exportKeys', 'view'].includes(kind);
    let [reads, stale] = [0, 0];
    for (const [key, part] of splitByKey(history)) {
        reads += part.operations.filter(({ call, answer }) => isRead(call) && answer !== undefined).length;
        stale += countStaleReads(key, part) ?? 0;
    }
    return { reads, stale };
}

function check(
    subject: string,
    history: History,
    find: (history: History) => readonly Finding[],
    shrunk: { count: number }
): readonly Violation[] {
    const [finding] = find(history);
    if (finding === undefined) {
        return [];
    }
    shrunk.count += 1;
    const isSame = (smaller: History) =>
        find(smaller).some(({ kind, about }) => kind === finding.kind && about === finding.about);
    const smallest =
        shrunk.count > MAX_SHRUNK || finding.kind === 'undecided' ? history : shrinkHistory(history, isSame);
    return [{ ...finding, subject, smallest, leftOut: sizeOf(history) - sizeOf(smallest) }];
}

function checkCalls(history: History): readonly Violation[] {
    return history.operations.flatMap(operation => {
        const finding = checkCall(operation, history.timeoutMs);
        const smallest = { ...nothingOf(history), operations: [operation] };
        return finding === undefined
            ? []
            : [{ ...finding, subject: `client ${operation.client}`, smallest, leftOut: 0 }];
    });
}

/** A watcher of all keys is told of the revisions of all of them in their order; a view has own writes early. */
function checkWatchers(history: History): readonly Violation[] {
    const told = groupBy(history.observations, ({ watcher }) => watcher);
    const views = new Set(history.watchers.filter(({ isView }) => isView).map(({ watcher }) => watcher));
    return [...told].flatMap(([watcher, observations]) => {
        const back = views.has(watcher) ? undefined : findStepBack(observations);
        const before = back === undefined ? undefined : observations[observations.indexOf(back) - 1];
        if (back === undefined || before === undefined || back.key === before.key) {
            return [];
        }
        const explanation = `It was told of revision ${back.revision} after revision ${before.revision}.`;
        const smallest = { ...nothingOf(history), observations: [before, back] };
        return [
            {
                kind: 'watch-order',
                about: watcher,
                explanation,
                subject: `watcher ${watcher}`,
                smallest,
                leftOut: 0
            } as const
        ];
    });
}

function nothingOf({ timeoutMs }: History): History {
    return { timeoutMs, operations: [], watchers: [], observations: [], finalStates: {}, finalTokens: {} };
}
