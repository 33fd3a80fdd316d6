// @ts-check

/** @typedef {import('./rounds.mjs').WayResult} WayResult */
/** @typedef {{ median: number, lowest: number, highest: number }} Spread */

/**
 * @param {readonly number[]} values
 * @returns {Spread}
 */
export function spreadOf(values) {
    const sorted = values.toSorted((a, b) => a - b);
    const middle = (sorted.length - 1) / 2;
    const [lower = NaN, upper = NaN] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
    return { median: (lower + upper) / 2, lowest: sorted[0] ?? NaN, highest: sorted.at(-1) ?? NaN };
}

/** @param {WayResult} way */
export function ratesOf({ rounds }) {
    return spreadOf(rounds.map(({ aSecond }) => aSecond));
}

/**
 * How many times as fast one way was as another, taken within each round: what slows the machine down slows both.
 *
 * @param {WayResult} way
 * @param {WayResult} against
 */
export function timesAsFast(way, against) {
    return spreadOf(way.rounds.map(({ aSecond }, round) => aSecond / (against.rounds[round]?.aSecond ?? NaN)));
}

/**
 * How many times as long an operation of one way took as one of another, by the medians of each round.
 *
 * @param {WayResult} way
 * @param {WayResult} against
 */
export function timesAsLong(way, against) {
    return spreadOf(way.rounds.map(({ p50Ms = NaN }, round) => p50Ms / (against.rounds[round]?.p50Ms ?? NaN)));
}
