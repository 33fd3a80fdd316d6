// @ts-check
import { callersOf, interleave } from '../shared/rounds.mjs';
import { leadFromHere } from '../shared/servers.mjs';
import { assigning, inGroups, newTokens, oneByOne } from '../shared/tokens.mjs';
import { openExisting, openOurs } from './sides.mjs';

/** @typedef {import('../shared/rounds.mjs').Runner} Runner */
/** @typedef {import('../shared/rounds.mjs').Comparison} Comparison */
/** @typedef {import('./sides.mjs').ResumeTokenService} ResumeTokenService */
/** @typedef {{ name: string, target: number, existingCallers: number, ours: (tokens: ResumeTokenService) => Runner }} Case */
/** @typedef {Comparison & { name: string, target: number }} CaseResult */

const CALLERS = 64;

/** @type {readonly Case[]} */
const cases = [
    { name: 'one caller awaiting each', target: 3.5, existingCallers: 1, ours: tokens => oneByOne(tokens, 1) },
    {
        name: `${CALLERS} callers on one shard`,
        target: 15,
        existingCallers: CALLERS,
        ours: tokens => oneByOne(tokens, CALLERS)
    },
    ...[100, 1_000, 10_000].map(size => ({
        name: `getOrCreateWatermarks, ${size.toLocaleString('en')} a call`,
        target: 40,
        existingCallers: 1,
        ours: (/** @type {ResumeTokenService} */ tokens) => inGroups(tokens, size)
    })),
    { name: 'assignWatermarks', target: 40, existingCallers: 1, ours: assigning }
];

/**
 * New tokens a second, case by case. What has no bulk call is compared with its one caller: that is what a change
 * source could do with it.
 *
 * @param {import('../shared/servers.mjs').Place} place
 * @param {{ rounds: number, windowMs: number, warmUpMs: number }} settings
 * @param {(line: string) => void} say
 * @returns {Promise<CaseResult[]>}
 */
export async function measureThroughput(place, settings, say) {
    /** @type {CaseResult[]} */
    const results = [];
    for (const [index, { name, target, existingCallers, ours }] of cases.entries()) {
        const [a, b] = [`existing-${index}`, `ours-${index}`];
        const existingSide = await openExisting(place, a);
        const ourSide = await openOurs(place, b, ['shard']);
        try {
            if (place.replicas > 1) {
                await leadFromHere(existingSide.nc, a);
                await leadFromHere(ourSide.nc, b);
            }
            const { next } = newTokens('e');
            const existing = callersOf(existingCallers, () =>
                existingSide.existing.getOrCreateWatermark('shard', next())
            );
            const comparison = await interleave(existing, ours(ourSide.tokens), settings);
            results.push({ name, target, ...comparison });
            say(`${name}: ${comparison.ratio.median.toFixed(1)} times`);
        } finally {
            await existingSide.close();
            await ourSide.close();
        }
    }
    return results;
}
