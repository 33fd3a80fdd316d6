// @ts-check

/**
 * Two ways of doing the same thing. Each runs for about `windowMs` and says how many it did in how many milliseconds.
 *
 * @typedef {{ done: number, elapsedMs: number }} Pass
 * @typedef {(windowMs: number) => Promise<Pass>} Runner
 * @typedef {{ median: number, lowest: number, highest: number }} Spread
 * @typedef {{ existing: Spread, ours: Spread, ratio: Spread }} Comparison
 */

/**
 * Runs two ways in turn, A B A B, so that what else the machine does meets both, after a warm-up that is not counted.
 *
 * @param {Runner} existing
 * @param {Runner} ours
 * @param {{ rounds: number, windowMs: number, warmUpMs: number }} settings
 * @returns {Promise<Comparison>} rates in operations a second; the ratio is taken within each round
 */
export async function interleave(existing, ours, { rounds, windowMs, warmUpMs }) {
    await existing(warmUpMs);
    await ours(warmUpMs);
    /** @type {{ existing: number, ours: number }[]} */
    const rates = [];
    for (let round = 0; round < rounds; round += 1) {
        rates.push({ existing: rateOf(await existing(windowMs)), ours: rateOf(await ours(windowMs)) });
    }
    return {
        existing: spreadOf(rates.map(rate => rate.existing)),
        ours: spreadOf(rates.map(rate => rate.ours)),
        ratio: spreadOf(rates.map(rate => rate.ours / rate.existing))
    };
}

/**
 * Lets callers work side by side until the time is over, each awaiting one operation before the next.
 *
 * @param {number} callers
 * @param {() => Promise<number>} operation resolves with how many it did
 * @returns {Runner}
 */
export function callersOf(callers, operation) {
    return async windowMs => {
        const start = performance.now();
        const end = start + windowMs;
        let done = 0;
        const call = async () => {
            while (performance.now() < end) {
                const count = await operation();
                done += count;
            }
        };
        await Promise.all(Array.from({ length: callers }, call));
        return { done, elapsedMs: performance.now() - start };
    };
}

/** @param {Pass} pass */
function rateOf({ done, elapsedMs }) {
    return (done * 1_000) / elapsedMs;
}

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
