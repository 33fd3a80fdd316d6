// @ts-check

/** @typedef {import('node:perf_hooks').RecordableHistogram} RecordableHistogram */
/**
 * A way of doing something. It runs for about `windowMs` and says how many it did in how many milliseconds.
 *
 * @typedef {{ done: number, elapsedMs: number }} Pass
 * @typedef {(windowMs: number) => Promise<Pass>} Runner
 * @typedef {{ aSecond: number, aProcessorSecond: number }} Rate the second: of processor time that this process used
 * @typedef {{ median: number, lowest: number, highest: number }} Spread
 * @typedef {{ existing: Spread, ours: Spread, ratio: Spread }} Comparison
 * @typedef {{ rounds: number, windowMs: number, warmUpMs: number }} Settings
 */

/**
 * Runs ways in turn, A B A B, so that what else the machine does meets all of them, after a warm-up that is not counted.
 *
 * @param {readonly Runner[]} runners
 * @param {Settings} settings
 * @param {() => void} [afterWarmUp]
 * @returns {Promise<Rate[][]>} for each way, how fast it was in each round
 */
export async function inTurn(runners, { rounds, windowMs, warmUpMs }, afterWarmUp = () => {}) {
    for (const runner of runners) {
        await runner(warmUpMs);
    }
    afterWarmUp();
    /** @type {Rate[][]} */
    const rates = runners.map(() => []);
    for (let round = 0; round < rounds; round += 1) {
        for (const [index, runner] of runners.entries()) {
            const before = process.cpuUsage();
            const { done, elapsedMs } = await runner(windowMs);
            const { user, system } = process.cpuUsage(before);
            rates[index]?.push({
                aSecond: (done * 1_000) / elapsedMs,
                aProcessorSecond: (done * 1_000_000) / (user + system)
            });
        }
    }
    return rates;
}

/**
 * Two ways in turn.
 *
 * @param {Runner} existing
 * @param {Runner} ours
 * @param {Settings} settings
 * @returns {Promise<Comparison>} rates in operations a second; the ratio is taken within each round
 */
export async function interleave(existing, ours, settings) {
    const [a = [], b = []] = (await inTurn([existing, ours], settings)).map(rates =>
        rates.map(({ aSecond }) => aSecond)
    );
    return {
        existing: spreadOf(a),
        ours: spreadOf(b),
        ratio: spreadOf(b.map((rate, round) => rate / (a[round] ?? NaN)))
    };
}

/**
 * Lets callers work side by side until the time is over, each awaiting one operation before the next.
 *
 * @param {number} callers
 * @param {() => Promise<unknown>} operation
 * @param {{ size?: number, latencies?: RecordableHistogram | undefined }} [options] `size`: for how many an operation
 *     counts; `latencies` takes how long each operation took, in nanoseconds
 * @returns {Runner}
 */
export function callersOf(callers, operation, { size = 1, latencies } = {}) {
    const run = latencies === undefined ? operation : timed(operation, latencies);
    return async windowMs => {
        const start = performance.now();
        const end = start + windowMs;
        let done = 0;
        const call = async () => {
            while (performance.now() < end) {
                await run();
                done += size;
            }
        };
        await Promise.all(Array.from({ length: callers }, call));
        return { done, elapsedMs: performance.now() - start };
    };
}

/**
 * @param {() => Promise<unknown>} operation
 * @param {RecordableHistogram} latencies
 */
function timed(operation, latencies) {
    return async () => {
        const began = performance.now();
        await operation();
        latencies.record(Math.max(1, Math.round((performance.now() - began) * 1_000_000)));
    };
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
