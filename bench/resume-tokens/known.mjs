// @ts-check
import assert from 'node:assert/strict';

import { bucketsOf } from '../shared/nats-clients.mjs';
import { inTurn, wayOf } from '../shared/rounds.mjs';
import { newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { openExisting, openOurs } from './sides.mjs';

/** @typedef {import('../shared/rounds.mjs').Pass} Pass */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/rounds.mjs').Way} Way */
/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/results.mjs').Part} Part */

/** The existing algorithm gets no more: it needs seconds for each thousand. */
const MOST_EXISTING_TOKENS = 1_000;
const GROUP = 1_000;
/** More than that, one by one, would take most of the time of the whole run. */
const MOST_ONE_BY_ONE = 10_000;
const ONE_BY_ONE = 'getOrCreateWatermark, one by one';

/**
 * Tokens that are there already: a change source that starts again reads its upstream from a little earlier, and asks
 * for all of them once more. Each pass is a new instance, which remembers none.
 *
 * @param {Place} place
 * @param {number} count
 * @param {Settings} settings
 * @returns {Promise<Part[]>}
 */
export function measureKnown(place, count, settings) {
    return using(async use => {
        use(await bucketsOf(place, ['known', 'existing-known']));
        const first = use(await openOurs(place, 'known', ['shard']));
        const { existing } = use(await openExisting(place, 'existing-known'));
        const { many } = newTokens('k');
        const tokens = many(count);
        const watermarks = await first.tokens.getOrCreateWatermarks('shard', tokens);
        const existingTokens = tokens.slice(0, MOST_EXISTING_TOKENS);
        /** @type {string[]} */
        const existingWatermarks = [];
        for (const token of existingTokens) {
            existingWatermarks.push(await existing.getOrCreateWatermark('shard', token));
        }
        const { processorMicros } = place;
        /** @type {(name: string, size: number) => Way} */
        const replaying = (name, size) => ({
            name,
            processorMicros,
            run: () => replay(place, size === 1 ? tokens.slice(0, MOST_ONE_BY_ONE) : tokens, watermarks, size)
        });
        let asked = 0;
        const replays = await inTurn(
            [
                replaying(`getOrCreateWatermarks, ${count.toLocaleString('en')} a call`, count),
                replaying('getOrCreateWatermarks, 1,000 a call', GROUP),
                replaying(ONE_BY_ONE, 1),
                wayOf(
                    'before, one by one',
                    1,
                    () => existing.getOrCreateWatermark('shard', existingTokens[asked++ % existingTokens.length] ?? ''),
                    { processorMicros }
                )
            ],
            settings
        );
        const resumes = await inTurn(
            [
                wayOf(
                    'resume',
                    1,
                    async () => {
                        const index = asked++ % count;
                        const point = await first.tokens.resume('shard', watermarks[index]);
                        assert.deepEqual(point, { kind: 'resume', resumeToken: tokens[index] });
                    },
                    { processorMicros }
                ),
                wayOf(
                    'before: getResumeToken',
                    1,
                    async () => {
                        const index = asked++ % existingTokens.length;
                        const token = await existing.getResumeToken('shard', existingWatermarks[index] ?? '');
                        assert.equal(token, existingTokens[index]);
                    },
                    { processorMicros }
                )
            ],
            settings
        );
        const what = `${count.toLocaleString('en')} known tokens: ${place.label}`;
        return [
            {
                kind: 'comparison',
                name: `replay of ${what}`,
                text: 'An instance that has just started asks for all of them; one by one, for the first ten thousand.',
                unit: 'tokens',
                reference: ONE_BY_ONE,
                ways: replays
            },
            { kind: 'comparison', name: `resume among ${what}`, unit: 'calls', ways: resumes }
        ];
    });
}

/**
 * @param {Place} place
 * @param {readonly string[]} tokens
 * @param {readonly string[]} watermarks what they must give
 * @param {number} size how many a call
 * @returns {Promise<Pass>}
 */
function replay(place, tokens, watermarks, size) {
    return using(async use => {
        const { tokens: restarted } = use(await openOurs(place, 'known', ['shard']));
        const start = performance.now();
        for (let from = 0; from < tokens.length; from += size) {
            const group = tokens.slice(from, from + size);
            const given =
                size === 1
                    ? [await restarted.getOrCreateWatermark('shard', group[0] ?? '')]
                    : await restarted.getOrCreateWatermarks('shard', group);
            assert.equal(given[0], watermarks[from], 'a known token has the watermark that it had');
        }
        return { done: tokens.length, elapsedMs: performance.now() - start };
    });
}
