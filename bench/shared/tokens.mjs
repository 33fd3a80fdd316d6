// @ts-check
import assert from 'node:assert/strict';

import { callersOf } from './rounds.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').ResumeTokenService} ResumeTokenService */
/** @typedef {import('./rounds.mjs').Runner} Runner */
/** @typedef {import('./rounds.mjs').RecordableHistogram} RecordableHistogram */

/** As long as the resume token of a change stream, with the characters that the existing algorithm can store. */
const LIKE_A_CHANGE_STREAM = '8265a1b2c3000000012b042c0100296e5a1004d1f0c7b8a9e64f3c8d7e6f5a4b3c2d1e46645f6964006';

/**
 * Gives tokens that were never given before.
 *
 * @param {string} name lowercase letters
 */
export function newTokens(name) {
    let given = 0;
    const next = () => `${LIKE_A_CHANGE_STREAM}${name}${(given++).toString(16).padStart(8, '0')}`;
    /** @param {number} count */
    const many = count => Array.from({ length: count }, next);
    return { next, many };
}

/**
 * `getOrCreateWatermark` for new tokens.
 *
 * @param {ResumeTokenService} tokens
 * @param {number} callers
 * @param {RecordableHistogram} [latencies]
 */
export function oneByOne(tokens, callers, latencies) {
    const { next } = newTokens('a');
    let last = '';
    const operation = async () => {
        last = above(last, await tokens.getOrCreateWatermark('shard', next()));
    };
    return callersOf(callers, operation, { latencies });
}

/**
 * `getOrCreateWatermarks` for so many new tokens a call.
 *
 * @param {ResumeTokenService} tokens
 * @param {number} size
 * @param {RecordableHistogram} [latencies]
 */
export function inGroups(tokens, size, latencies) {
    const { many } = newTokens('b');
    let last = '';
    const operation = async () => {
        last = (await tokens.getOrCreateWatermarks('shard', many(size))).reduce(above, last);
    };
    return callersOf(1, operation, { size, latencies });
}

/**
 * `assignWatermarks` for a stream of changes, each with a new token.
 *
 * @param {ResumeTokenService} tokens
 * @param {{ maxInFlight?: number }} [options]
 * @returns {Runner}
 */
export function assigning(tokens, options = {}) {
    const { next } = newTokens('c');
    let last = '';
    return async windowMs => {
        const start = performance.now();
        const end = start + windowMs;
        async function* changes() {
            do {
                yield { resumeToken: next() };
            } while (performance.now() < end);
        }
        let done = 0;
        const assigned = tokens.assignWatermarks('shard', changes(), {
            resumeTokenOf: change => change.resumeToken,
            ...options
        });
        for await (const { watermark } of assigned) {
            last = above(last, watermark);
            done += 1;
        }
        return { done, elapsedMs: performance.now() - start };
    };
}

/**
 * A benchmark of wrong answers is worth nothing, so each watermark is looked at.
 *
 * @param {string} last
 * @param {string} watermark
 */
export function above(last, watermark) {
    assert.ok(watermark > last, `the watermark ${watermark} is not above ${last}, the one before it`);
    return watermark;
}
