// @ts-check
import { callersOf } from './rounds.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkService} WatermarkService */
/** @typedef {import('./rounds.mjs').RecordableHistogram} RecordableHistogram */
/** @typedef {{ key: string, version: string, data: { lastId: string, count: number, note?: string } }} NewWatermark */

/** How many writes of {@link fill} are under way at once. */
const FILL_CALLERS = 1_000;

/**
 * Gives watermarks with metadata as a change source has it: keys that come again and again, each time with a version of
 * its own.
 *
 * @param {{ keys?: number, bytes?: number }} [options] `keys`: how many there are; default: each has a key of its own.
 *     `bytes`: about how large the record is, as JSON
 * @returns {() => NewWatermark}
 */
export function newWatermarks({ keys = Infinity, bytes = 64 } = {}) {
    let made = 0;
    const note = 'n'.repeat(Math.max(0, bytes - 80));
    return () => {
        made += 1;
        const data = { lastId: `o-${made}`, count: 25, ...(note !== '' && { note }) };
        return { key: `orders.${made % keys}`, version: `v${made}`, data };
    };
}

/**
 * `set` of watermarks.
 *
 * @param {WatermarkService} watermarks
 * @param {number} callers
 * @param {() => NewWatermark} next
 * @param {RecordableHistogram} [latencies]
 */
export function setting(watermarks, callers, next, latencies) {
    const operation = () => {
        const { key, version, data } = next();
        return watermarks.set(key, version, data);
    };
    return callersOf(callers, operation, { latencies });
}

/**
 * Stores watermarks, for {@link getting}.
 *
 * @param {WatermarkService} watermarks
 * @param {number} count up to this many there are then
 * @param {number} [from] so many are there already
 * @param {(index: number) => Record<string, unknown> | undefined} [dataOf]
 */
export async function fill(watermarks, count, from = 0, dataOf = index => ({ lastId: `o-${index}`, count: 25 })) {
    let index = from;
    const call = async () => {
        while (index < count) {
            const mine = index++;
            await watermarks.set(keyOf(mine), 'v1', dataOf(mine));
        }
    };
    await Promise.all(Array.from({ length: FILL_CALLERS }, call));
}

/**
 * Gives the keys of those that {@link fill} has stored, again and again.
 *
 * @param {number} count
 */
export function knownKeys(count) {
    let given = 0;
    return () => keyOf(given++ % count);
}

/**
 * `get` of watermarks that are there.
 *
 * @param {WatermarkService} watermarks
 * @param {number} callers
 * @param {() => string} nextKey
 * @param {RecordableHistogram} [latencies]
 */
export function getting(watermarks, callers, nextKey, latencies) {
    const operation = async () => {
        const key = nextKey();
        if ((await watermarks.get(key))?.key !== key) {
            throw new Error(`get gave something else for ${key}.`);
        }
    };
    return callersOf(callers, operation, { latencies });
}

/** @param {number} index */
export function keyOf(index) {
    return `known.${index}`;
}
