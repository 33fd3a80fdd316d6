import type { History, Operation } from '../history/history.js';

/** A stretch of time in which nothing on the machine ran, as when a virtual machine is held. */
export interface Stall {
    readonly fromMs: number;
    readonly toMs: number;
}

/** How late a timer must be so that this counts as standing still. */
const STILL_MS = 1_000;
const TICK_MS = 100;

/** Notices when this process did not get to run. */
export class StallWatch {
    readonly stalls: Stall[] = [];
    readonly #timer: NodeJS.Timeout;
    #last: number;

    constructor(now: () => number) {
        this.#last = now();
        this.#timer = setInterval(() => {
            const atMs = now();
            if (atMs - this.#last > STILL_MS) {
                this.stalls.push({ fromMs: this.#last, toMs: atMs });
            }
            this.#last = atMs;
        }, TICK_MS).unref();
    }

    stop(): void {
        clearInterval(this.#timer);
    }
}

/**
 * When the one stood still, and any of the others. Two processes that stand still at once are no chance: the machine did.
 */
export function commonStalls(one: readonly Stall[], others: readonly Stall[]): readonly Stall[] {
    const common = one.flatMap(({ fromMs, toMs }) =>
        others
            .map(other => ({ fromMs: Math.max(fromMs, other.fromMs), toMs: Math.min(toMs, other.toMs) }))
            .filter(both => both.toMs > both.fromMs)
    );
    const merged: Stall[] = [];
    for (const stall of common.toSorted((a, b) => a.fromMs - b.fromMs)) {
        const last = merged.at(-1);
        if (last !== undefined && stall.fromMs <= last.toMs) {
            merged[merged.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, stall.toMs) };
        } else {
            merged.push(stall);
        }
    }
    return merged;
}

/**
 * The history as a clock would have recorded it that stands still when the machine does: nobody can keep to a time in
 * which nothing runs. The order of all events stays the same.
 */
export function withoutStalls(history: History, stalls: readonly Stall[]): History {
    if (stalls.length === 0) {
        return history;
    }
    const running = (atMs: number) =>
        atMs - stalls.reduce((sum, { fromMs, toMs }) => sum + Math.max(0, Math.min(atMs, toMs) - fromMs), 0);
    const shifted = ({ endMs, ...operation }: Operation): Operation => ({
        ...operation,
        startMs: running(operation.startMs),
        ...(endMs === undefined ? {} : { endMs: running(endMs) })
    });
    return {
        ...history,
        operations: history.operations.map(shifted),
        watchers: history.watchers.map(({ untilMs, ...watcher }) => ({
            ...watcher,
            fromMs: running(watcher.fromMs),
            ...(untilMs === undefined ? {} : { untilMs: running(untilMs) })
        })),
        observations: history.observations.map(seen => ({ ...seen, atMs: running(seen.atMs) }))
    };
}
