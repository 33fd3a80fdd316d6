import { setTimeout as wait } from 'node:timers/promises';

/** Timers are no more exact than this. */
const LEAST_WAIT_MS = 4;

/**
 * Gives items in their order, at the pace at which they happened, made faster so that all take `durationMs`. Whoever comes
 * too late for some of them gets those at once.
 */
export async function* paced<T>(
    items: readonly T[],
    timeOf: (item: T) => number,
    durationMs: number,
    signal: AbortSignal
): AsyncGenerator<T> {
    const [first, last] = [items[0], items.at(-1)].map(item => (item === undefined ? 0 : timeOf(item)));
    const span = Math.max(1, (last ?? 0) - (first ?? 0));
    const began = performance.now();
    for (const item of items) {
        const due = began + ((timeOf(item) - (first ?? 0)) / span) * durationMs;
        const early = due - performance.now();
        if (early > LEAST_WAIT_MS) {
            await wait(early, undefined, { signal });
        }
        yield item;
    }
}
