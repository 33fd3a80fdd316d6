// @ts-check
import { createHistogram } from 'node:perf_hooks';

/** @typedef {import('node:perf_hooks').RecordableHistogram} RecordableHistogram */
/**
 * What a way does: it runs for about `windowMs` and says how many it did in how many milliseconds.
 *
 * @typedef {{ done: number, elapsedMs: number }} Pass
 * @typedef {(windowMs: number) => Promise<Pass>} Runner
 */
/**
 * One of the ways of doing something that are compared. `latencies`: in nanoseconds; the runner records them there.
 * `processorMicros`: what the other processes that take part (servers) have used so far.
 *
 * @typedef {{ name: string, run: Runner, latencies?: RecordableHistogram | undefined,
 *     processorMicros?: (() => number) | undefined }} Way
 */
/**
 * How a way did in one round: operations a second, the median latency, and processor time an operation, of this process
 * and of the servers.
 *
 * @typedef {{ aSecond: number, p50Ms?: number, ownMicros: number, serverMicros?: number }} Round
 * @typedef {{ p50: number, p95: number, p99: number }} Latencies in milliseconds, over all rounds
 * @typedef {{ name: string, rounds: Round[], latenciesMs?: Latencies }} WayResult
 * @typedef {{ rounds: number, windowMs: number, warmUpMs: number }} Settings
 */

/**
 * Runs ways in turn, A B A B, so that what else the machine does meets all of them, after a warm-up that is not counted.
 *
 * @param {readonly Way[]} ways
 * @param {Settings} settings
 * @returns {Promise<WayResult[]>}
 */
export async function inTurn(ways, { rounds, windowMs, warmUpMs }) {
    for (const { run, latencies } of ways) {
        await run(warmUpMs);
        latencies?.reset();
    }
    const results = ways.map(({ name }) => ({ name, rounds: /** @type {Round[]} */ ([]), all: createHistogram() }));
    for (let round = 0; round < rounds; round += 1) {
        for (const [index, way] of ways.entries()) {
            results[index]?.rounds.push(await oneRound(way, windowMs));
            if (way.latencies !== undefined && way.latencies.count > 0) {
                results[index]?.all.add(way.latencies);
                way.latencies.reset();
            }
        }
    }
    return results.map(({ name, rounds: each, all }) => ({
        name,
        rounds: each,
        ...(all.count > 0 && { latenciesMs: latenciesOf(all) })
    }));
}

/**
 * @param {Way} way
 * @param {number} windowMs
 * @returns {Promise<Round>}
 */
async function oneRound({ run, latencies, processorMicros }, windowMs) {
    const serverBefore = processorMicros?.();
    const before = process.cpuUsage();
    const { done, elapsedMs } = await run(windowMs);
    const { user, system } = process.cpuUsage(before);
    return {
        aSecond: (done * 1_000) / elapsedMs,
        ...(latencies !== undefined && latencies.count > 0 && { p50Ms: latencies.percentile(50) / 1_000_000 }),
        ownMicros: (user + system) / done,
        ...(serverBefore !== undefined && { serverMicros: ((processorMicros?.() ?? NaN) - serverBefore) / done })
    };
}

/**
 * @param {RecordableHistogram} histogram
 * @returns {Latencies}
 */
function latenciesOf(histogram) {
    const [p50 = NaN, p95 = NaN, p99 = NaN] = [50, 95, 99].map(share => histogram.percentile(share) / 1_000_000);
    return { p50, p95, p99 };
}

/**
 * Taking the time of an operation costs as much as a quick operation itself, so of more callers than these only some are
 * timed, and each of them is in turn.
 */
const FEW = 16;
const TIMED_EVERY = 15;

/**
 * A way in which callers work side by side, and whose latencies are taken.
 *
 * @param {string} name
 * @param {number} callers
 * @param {(caller: number) => Promise<unknown>} operation
 * @param {{ size?: number, processorMicros?: (() => number) | undefined }} [options]
 * @returns {Way}
 */
export function wayOf(name, callers, operation, { size = 1, processorMicros } = {}) {
    const latencies = createHistogram();
    return { name, latencies, processorMicros, run: callersOf(callers, operation, { size, latencies }) };
}

/**
 * Lets callers work side by side until the time is over, each awaiting one operation before the next.
 *
 * @param {number} callers
 * @param {(caller: number) => Promise<unknown>} operation
 * @param {{ size?: number, latencies?: RecordableHistogram | undefined }} [options] `size`: for how many an operation
 *     counts; `latencies` takes how long operations took, in nanoseconds: each, or of many callers some
 * @returns {Runner}
 */
export function callersOf(callers, operation, { size = 1, latencies } = {}) {
    const timed = latencies === undefined ? operation : timing(operation, latencies);
    const every = latencies === undefined ? Infinity : callers > FEW ? TIMED_EVERY : 1;
    return async windowMs => {
        const start = performance.now();
        const end = start + windowMs;
        let done = 0;
        /** @param {number} caller */
        const call = async caller => {
            let made = caller;
            // At least one, however long the machine did something else.
            do {
                await (made % every === 0 ? timed(caller) : operation(caller));
                made += 1;
                done += size;
            } while (performance.now() < end);
        };
        await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
        return { done, elapsedMs: performance.now() - start };
    };
}

/**
 * @param {(caller: number) => Promise<unknown>} operation
 * @param {RecordableHistogram} latencies
 * @returns {(caller: number) => Promise<void>}
 */
function timing(operation, latencies) {
    return async caller => {
        const began = performance.now();
        await operation(caller);
        latencies.record(Math.max(1, Math.round((performance.now() - began) * 1_000_000)));
    };
}

/**
 * Does something that waits for nothing, again and again, until the time is over.
 *
 * @param {() => number} operation tells for how many it counts
 * @returns {Runner}
 */
export function inARow(operation) {
    return async windowMs => {
        const start = performance.now();
        const end = start + windowMs;
        let done = 0;
        do {
            done += operation();
        } while (performance.now() < end);
        return { done, elapsedMs: performance.now() - start };
    };
}
