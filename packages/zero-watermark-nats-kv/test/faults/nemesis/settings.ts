import type { RunOptions } from './run.js';

/** Who works how, in every run. */
const COMMON = {
    clients: 3,
    slots: 6,
    shards: ['orders', 'users', 'late-1', 'late-2', 'late-3'],
    acknowledgedShard: 'users',
    endingShards: ['ending-1', 'ending-2', 'ending-3'],
    // The default, which is what is promised to be enough for elections.
    timeoutMs: 15_000
} as const;

/** As much as fits into a minute and a bit: a fault every second and a half, and more calls than a small machine likes. */
export function shortRun(seed: number): RunOptions {
    return {
        ...COMMON,
        seed,
        servers: 'upgraded',
        durationMs: 60_000,
        gapsMs: { nodes: 7_000, leaders: 6_000, network: 4_000, clients: 10_000 },
        atLeastCalls: 20_000,
        history: 1 + (seed % 2) * 4,
        callers: 8,
        pauseMs: 10,
        generationMs: 2_000,
        shardEveryMs: 15_000,
        moveEveryMs: 5_000,
        watchEveryMs: 3_000,
        sampleEveryMs: 5_000,
        tokensASecond: 0
    };
}

/** For hours: a fault every five seconds, and a load of which an hour can be kept and judged. */
export function longRun(seed: number, minutes: number, tokens: number): RunOptions {
    const durationMs = minutes * 60_000;
    return {
        ...COMMON,
        seed,
        servers: 'newest',
        durationMs,
        gapsMs: { nodes: 20_000, leaders: 20_000, network: 13_000, clients: 35_000 },
        atLeastCalls: 0,
        history: 1 + (seed % 2) * 4,
        callers: 4,
        pauseMs: 25,
        generationMs: 5_000,
        shardEveryMs: 60_000,
        moveEveryMs: 30_000,
        watchEveryMs: 15_000,
        sampleEveryMs: 10_000,
        tokensASecond: Math.ceil(tokens / COMMON.clients / (durationMs / 1_000))
    };
}
