// @ts-check
import { createHistogram } from 'node:perf_hooks';

import { bucketsOf } from '../shared/nats-clients.mjs';
import { inTurn, wayOf } from '../shared/rounds.mjs';
import { assigning, inGroups, newTokens, oneByOne } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { openExisting, openOurs } from './sides.mjs';

/** @typedef {import('../shared/rounds.mjs').Runner} Runner */
/** @typedef {import('../shared/rounds.mjs').RecordableHistogram} RecordableHistogram */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('./sides.mjs').ResumeTokenService} ResumeTokenService */
/** @typedef {(tokens: ResumeTokenService, latencies: RecordableHistogram) => Runner} OurWay */
/** @typedef {{ name: string, existingCallers: number, ours: OurWay }} Case */

const CALLERS = 64;

/**
 * @param {readonly number[]} groups
 * @returns {readonly Case[]}
 */
const casesOf = groups => [
    {
        name: 'one caller awaiting each',
        existingCallers: 1,
        ours: (tokens, latencies) => oneByOne(tokens, 1, latencies)
    },
    {
        name: `${CALLERS} callers on one shard`,
        existingCallers: CALLERS,
        ours: (tokens, latencies) => oneByOne(tokens, CALLERS, latencies)
    },
    ...groups.map(size => ({
        name: `getOrCreateWatermarks, ${size.toLocaleString('en')} a call`,
        existingCallers: 1,
        ours: /** @type {OurWay} */ ((tokens, latencies) => inGroups(tokens, size, latencies))
    })),
    { name: 'assignWatermarks', existingCallers: 1, ours: tokens => assigning(tokens) }
];

/**
 * New tokens a second, case by case. What has no bulk call is compared with its one caller: that is what a change
 * source could do with it.
 *
 * @param {import('../shared/servers.mjs').Place} place
 * @param {Settings & { groups: readonly number[] }} settings `groups`: how many tokens a call
 * @param {(line: string) => void} say
 * @returns {Promise<Part[]>}
 */
export async function measureThroughput(place, { groups, ...settings }, say) {
    /** @type {Part[]} */
    const parts = [];
    for (const { name, existingCallers, ours } of casesOf(groups)) {
        const ways = await using(async use => {
            const buckets = use(await bucketsOf(place, ['existing', 'ours']));
            const existingSide = use(await openExisting(place, 'existing'));
            const ourSide = use(await openOurs(place, 'ours', ['shard']));
            await buckets.made();
            const { next } = newTokens('e');
            const { processorMicros } = place;
            const latencies = createHistogram();
            return inTurn(
                [
                    { name: 'now', latencies, processorMicros, run: ours(ourSide.tokens, latencies) },
                    wayOf(
                        'before',
                        existingCallers,
                        () => existingSide.existing.getOrCreateWatermark('shard', next()),
                        { processorMicros }
                    )
                ],
                settings
            );
        });
        parts.push({ kind: 'comparison', name: `new tokens, ${name}: ${place.label}`, unit: 'tokens', ways });
        say(`${name}: ${place.label}`);
    }
    return parts;
}
