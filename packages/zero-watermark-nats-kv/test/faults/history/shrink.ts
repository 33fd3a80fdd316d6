import type { History } from './history.js';

type Part =
    | { readonly of: 'operations' | 'watchers' | 'observations'; readonly index: number }
    | { readonly of: 'token'; readonly index: number };

/**
 * The smallest part of the history of a key or shard that is still wrong: larger and smaller groups of calls, watchers,
 * observations and kept tokens are left out as long as that is so. The oldest go first, since the newest are the ones
 * that nothing explains.
 */
export function shrinkHistory(history: History, isWrong: (smaller: History) => boolean): History {
    let parts = partsOf(history);
    for (let size = Math.ceil(parts.length / 2); size >= 1;) {
        let removed = false;
        for (let start = 0; start < parts.length;) {
            const fewer = [...parts.slice(0, start), ...parts.slice(start + size)];
            if (isWrong(only(history, fewer))) {
                parts = fewer;
                removed = true;
            } else {
                start += size;
            }
        }
        if (size > 1 || !removed) {
            size = size === 1 ? 0 : Math.ceil(size / 2);
        }
    }
    return only(history, parts);
}

export function sizeOf(history: History): number {
    return partsOf(history).length;
}

function partsOf({ operations, watchers, observations, finalTokens }: History): readonly Part[] {
    const tokens = Object.values(finalTokens).flat();
    return [
        ...operations.map((_, index) => ({ of: 'operations' as const, index })),
        ...watchers.map((_, index) => ({ of: 'watchers' as const, index })),
        ...observations.map((_, index) => ({ of: 'observations' as const, index })),
        ...tokens.map((_, index) => ({ of: 'token' as const, index }))
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
