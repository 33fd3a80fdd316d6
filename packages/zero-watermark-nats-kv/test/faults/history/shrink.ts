import type { History } from './history.js';

type Part =
    | { readonly of: 'operations' | 'watchers' | 'observations'; readonly index: number }
    | { readonly of: 'token'; readonly index: number };

/** How long to look for a smaller history. */
const MAX_MS = 5_000;

/**
 * The smallest part of the history of a key or shard that is still wrong: larger and smaller groups of what was seen, then
 * of calls, are left out as long as that is so. The oldest go first, since the newest are the ones that nothing explains.
 */
export function shrinkHistory(history: History, isWrong: (smaller: History) => boolean): History {
    const startedAt = performance.now();
    const isLate = () => performance.now() - startedAt > MAX_MS;
    let parts = partsOf(history);
    for (let size = Math.ceil(parts.length / 2); size >= 1 && !isLate();) {
        const before = parts.length;
        for (let start = 0; start < parts.length && !isLate();) {
            const fewer = parts.toSpliced(start, size);
            if (isWrong(only(history, fewer))) {
                parts = fewer;
            } else {
                start += size;
            }
        }
        // Single ones are tried again until none can be left out.
        size = size > 1 ? Math.ceil(size / 2) : parts.length < before ? 1 : 0;
    }
    return only(history, parts);
}

export function sizeOf(history: History): number {
    return partsOf(history).length;
}

function partsOf({ operations, watchers, observations, finalTokens }: History): readonly Part[] {
    const tokens = Object.values(finalTokens).flat();
    // What was seen of a call goes before the call, without which it would be something else that is wrong.
    return [
        ...tokens.map((_, index) => ({ of: 'token' as const, index })),
        ...observations.map((_, index) => ({ of: 'observations' as const, index })),
        ...watchers.map((_, index) => ({ of: 'watchers' as const, index })),
        ...operations.map((_, index) => ({ of: 'operations' as const, index }))
    ];
}

function only(history: History, parts: readonly Part[]): History {
    const kept = {
        operations: new Set<number>(),
        watchers: new Set<number>(),
        observations: new Set<number>(),
        token: new Set<number>()
    };
    parts.forEach(({ of, index }) => kept[of].add(index));
    const [shard] = Object.keys(history.finalTokens);
    const tokens = shard === undefined ? [] : (history.finalTokens[shard] ?? []);
    return {
        ...history,
        operations: history.operations.filter((_, index) => kept.operations.has(index)),
        watchers: history.watchers.filter((_, index) => kept.watchers.has(index)),
        observations: history.observations.filter((_, index) => kept.observations.has(index)),
        finalTokens: shard === undefined ? {} : { [shard]: tokens.filter((_, index) => kept.token.has(index)) }
    };
}
