// @ts-check
import { setTimeout as wait } from 'node:timers/promises';

import { begin, now, record } from './recorder.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').ResumeTokenService} ResumeTokenService */
/** @typedef {import('../clients.js').ClientOrder} ClientOrder */
/** @typedef {import('../random.mjs').Random} Random */
/** @typedef {import('./choose-tokens.mjs').TokenChooser} TokenChooser */
/** @typedef {import('./memory.mjs').Memory} Memory */

const MAX_IN_FLIGHT = 50;

/** How many tokens one call stores at the most, and so how many come at once after a time of silence. */
const MOST_AT_ONCE = 1_000;

/**
 * Hands out changes with their watermarks, as a change source does, until it is told to stop.
 *
 * @param {ResumeTokenService} resumeTokens
 * @param {TokenChooser} chooser
 * @param {ClientOrder} order
 * @param {Random} random
 * @param {AbortSignal} stopping
 * @param {Memory} memory
 */
export async function assign(resumeTokens, chooser, { shards, pauseMs }, random, stopping, memory) {
    while (!stopping.aborted) {
        const shard = shards[random.whole(0, 1)] ?? '';
        /** @type {ReturnType<typeof begin>[]} */
        const begun = [];
        const changes = async function* () {
            for (let left = random.whole(10, 300); left > 0 && !stopping.aborted; left -= 1) {
                if (random.chance(0.2)) {
                    await wait(random.whole(0, 2 * pauseMs));
                }
                const token = chooser.ownToken(shard);
                begun.push(begin({ kind: 'watermark', shard, token }));
                yield token;
            }
        };
        const options = { resumeTokenOf: (/** @type {string} */ token) => token, maxInFlight: MAX_IN_FLIGHT };
        try {
            for await (const { watermark } of resumeTokens.assignWatermarks(shard, changes(), options)) {
                begun.shift()?.answered({ kind: 'watermarks', watermarks: [watermark] });
                memory.learnWatermarks(shard, [watermark]);
            }
        } catch (error) {
            begun.shift()?.failed(error);
        }
    }
}

/**
 * Stores so many tokens a second, many at once, until it is told to stop.
 *
 * @param {ResumeTokenService} resumeTokens
 * @param {TokenChooser} chooser
 * @param {ClientOrder} order
 * @param {AbortSignal} stopping
 */
export async function storeMany(resumeTokens, chooser, { tokensASecond }, stopping) {
    const shard = 'many';
    const startedAt = now();
    for (let stored = 0; tokensASecond > 0 && !stopping.aborted;) {
        const due = Math.floor(((now() - startedAt) * tokensASecond) / 1_000) - stored;
        if (due < Math.min(tokensASecond, MOST_AT_ONCE)) {
            await wait(200, undefined, { signal: stopping }).catch(() => {});
            continue;
        }
        const tokens = Array.from({ length: Math.min(MOST_AT_ONCE, due) }, () => chooser.ownToken(shard));
        stored += tokens.length;
        await record({ kind: 'watermarks', shard, tokens }, async () => ({
            kind: 'watermarks',
            watermarks: await resumeTokens.getOrCreateWatermarks(shard, tokens)
        }));
    }
}
