// @ts-check
import { callersOf } from '../shared/rounds.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkService} WatermarkService */
/** @typedef {import('../shared/rounds.mjs').RecordableHistogram} RecordableHistogram */

/** A watermark with metadata as a change source has it. Each has a key of its own. */
export function newWatermarks() {
    let made = 0;
    return () => {
        made += 1;
        return { key: `orders.${made}`, version: `v${made}`, data: { lastId: `o-${made}`, count: 25 } };
    };
}

/**
 * `set` of watermarks with keys of their own.
 *
 * @param {WatermarkService} watermarks
 * @param {number} callers
 * @param {ReturnType<typeof newWatermarks>} next
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
 * Stores so many watermarks, for {@link getting}.
 *
 * @param {WatermarkService} watermarks
 * @param {number} count
 */
export async function fill(watermarks, count) {
    const known = Array.from({ length: count }, (_, index) => index);
    await Promise.all(known.map(index => watermarks.set(keyOf(index), 'v1', { lastId: `o-${index}`, count: 25 })));
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
    const operation = () => watermarks.get(nextKey());
    return callersOf(callers, operation, { latencies });
}

/** @param {number} index */
function keyOf(index) {
    return `known.${index}`;
}
