import { expect, test } from 'vitest';

import type { Operation } from '../history/history.js';
import { byKind, overTime, slowest } from './statistics.js';

function get(startMs: number, tookMs: number | undefined, ending: Partial<Operation> = {}): Operation {
    const end = tookMs === undefined ? {} : { endMs: startMs + tookMs };
    return { client: 'c', call: { kind: 'get', key: 'k' }, startMs, ...end, ...ending };
}

const OPERATIONS = [
    ...Array.from({ length: 100 }, (_, index) => get(index * 10, index + 1)),
    get(2_000, 15_000, { error: { code: 'ERR_WATERMARK_UNAVAILABLE' } }),
    get(2_100, undefined)
];

test('calls by kind and outcome, with the percentiles of those that ended', () => {
    expect(byKind(OPERATIONS)).toEqual({
        get: {
            calls: 102,
            outcomes: { answered: 100, UNAVAILABLE: 1, unended: 1 },
            latencyMs: { p50: 51, p90: 91, p99: 100, max: 15_000 }
        }
    });
});

test('latency over time, in the order of time', () => {
    expect(overTime(OPERATIONS.toReversed(), 0, 1_000).map(({ atMs, calls, max }) => [atMs, calls, max])).toEqual([
        [0, 100, 100],
        [2_000, 2, 15_000]
    ]);
});

test('the slowest call is one that ended', () => {
    expect(slowest(OPERATIONS)?.startMs).toBe(2_000);
    expect(slowest([])).toBeUndefined();
});
