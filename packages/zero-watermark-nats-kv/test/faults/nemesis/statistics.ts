import { groupBy } from '../history/group-by.js';
import type { Operation } from '../history/history.js';

/** How calls of one kind ended. */
export interface KindStatistics {
    readonly calls: number;
    /** By code; `answered`: it succeeded, `unended`: its process ended first, or nobody was told. */
    readonly outcomes: Readonly<Record<string, number>>;
    readonly latencyMs: Percentiles;
}

export interface Percentiles {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
}

/** The latencies of the calls that began within one stretch of time. */
export interface Window extends Percentiles {
    /** Since the beginning of the run. */
    readonly atMs: number;
    readonly calls: number;
}

export function byKind(operations: readonly Operation[]): Readonly<Record<string, KindStatistics>> {
    const groups = groupBy(operations, ({ call }) => call.kind);
    return Object.fromEntries(
        [...groups].map(([kind, group]) => {
            const outcomes: Record<string, number> = {};
            for (const operation of group) {
                const outcome = outcomeOf(operation);
                outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
            }
            return [kind, { calls: group.length, outcomes, latencyMs: percentiles(latencies(group)) }];
        })
    );
}

/** Percentiles over time, for a plot. */
export function overTime(operations: readonly Operation[], startedAtMs: number, windowMs: number): readonly Window[] {
    const windows = groupBy(operations, ({ startMs }) => Math.floor((startMs - startedAtMs) / windowMs));
    return [...windows]
        .toSorted(([a], [b]) => a - b)
        .map(([index, group]) => ({
            atMs: index * windowMs,
            calls: group.length,
            ...percentiles(latencies(group))
        }));
}

/** The call that took longest. */
export function slowest(operations: readonly Operation[]): Operation | undefined {
    return operations.reduce<Operation | undefined>(
        (longest, operation) => (took(operation) > (longest === undefined ? 0 : took(longest)) ? operation : longest),
        undefined
    );
}

/** How long a call took; 0 for one that did not end. */
export function took({ startMs, endMs = startMs }: Operation): number {
    return endMs - startMs;
}

function latencies(operations: readonly Operation[]): number[] {
    return operations.filter(({ endMs }) => endMs !== undefined).map(took);
}

function percentiles(values: readonly number[]): Percentiles {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

function outcomeOf({ endMs, error }: Operation): string {
    if (endMs === undefined) {
        return 'unended';
    }
    if (error === undefined) {
        return 'answered';
    }
    return 'code' in error ? error.code.replace('ERR_WATERMARK_', '') : 'unexpected';
}

function round(ms: number): number {
    return Math.round(ms * 100) / 100;
}
