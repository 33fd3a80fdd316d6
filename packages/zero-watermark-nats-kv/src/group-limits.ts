/** How many tokens the next write takes at the most, and of how many calls. */
export interface GroupLimits {
    readonly tokens: number;
    readonly calls: number;
    /**
     * Whether the servers are so far away that the next write waits until those who were told of the last one have come
     * back. With a fixed number of calls in flight, two halves would otherwise take turns on the link for ever.
     */
    readonly isFar: boolean;
}

/** About how many tokens a server stores in a millisecond (nats-server 2.15, fast batches). */
const STORED_A_MS = 140;

/** How many are best near the servers: half of what `assignWatermarks` has in flight, so that some are stored while others are handed out. */
const NEAR = 500;

/** How many a fast batch has at the most, so that it gets through slow links too before it is given up (about 1.5 MB). */
const MOST_FAST = 5_000;

/** How many there are at the most between two reports to the callers where the next batch is sent ahead. */
const MOST = 10_000;

/**
 * Few tokens a write let the callers and the server work at the same time, which is all that counts near it. Far away the
 * link is waited for, so a write takes what the server stores in the time of a round trip.
 *
 * @param roundTripMs the quickest answer so far; `Infinity`: there was none yet
 */
export function groupLimits(roundTripMs: number, takesFastBatches: boolean): GroupLimits {
    const storedMeanwhile = Number.isFinite(roundTripMs) ? Math.round(roundTripMs * STORED_A_MS) : 0;
    const isFar = storedMeanwhile > NEAR;
    return {
        tokens: takesFastBatches ? Math.min(Math.max(NEAR, storedMeanwhile), MOST_FAST) : MOST,
        calls: isFar ? MOST : NEAR,
        isFar
    };
}
