// @ts-check
import { inPlaces, section } from '../shared/section.mjs';
import { measureKnown } from './known.mjs';
import { countRoundTrips } from './round-trips.mjs';
import { measureStorage } from './storage.mjs';
import { measureThroughput } from './throughput.mjs';

/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/places.mjs').PlaceName} PlaceName */
/** @typedef {import('./storage.mjs').StorageSettings} StorageSettings */
/**
 * @typedef {Settings & { places: readonly PlaceName[], groups: readonly number[], known: number, knownRounds: number, roundTripTokens: number,
 *     storage: StorageSettings }} TokenSettings
 */

export const resumeTokens = section({
    name: 'resume-tokens',
    title: 'Resume tokens',
    text:
        'Against the algorithm that change sources used before: look the token up, count a counter up by compare-and-set, ' +
        'write both mappings. Both on the same server, with the same connection options. What has no bulk call is compared ' +
        'with its one caller: that is what a change source could do with it.',
    settings: {
        full: {
            rounds: 5,
            windowMs: 700,
            warmUpMs: 500,
            places: /** @type {const} */ (['single', 'cluster', 'oldest']),
            groups: [100, 1_000, 10_000],
            known: 100_000,
            knownRounds: 3,
            roundTripTokens: 1_000,
            storage: { tokens: 200_000, existingTokens: 10_000, tokensASecond: 10_000, retainTokens: 1_000 }
        },
        quick: {
            rounds: 1,
            windowMs: 10,
            warmUpMs: 5,
            places: /** @type {const} */ (['single']),
            groups: [100],
            known: 500,
            knownRounds: 1,
            roundTripTokens: 20,
            storage: { tokens: 2_000, existingTokens: 30, tokensASecond: 4_000, retainTokens: 1_000 }
        }
    },
    measure(
        /** @type {TokenSettings} */ { places, groups, known, knownRounds, roundTripTokens, storage, ...settings },
        context
    ) {
        return inPlaces(places, context, async (place, name) => {
            const parts = await measureThroughput(place, { groups, ...settings }, context.say);
            // Two replicas more, or the oldest server, say how speed changes; what is counted stays the same.
            if (name === 'single') {
                parts.push(...(await measureKnown(place, known, { ...settings, rounds: knownRounds })));
                context.say('known tokens');
                parts.push(await countRoundTrips(place, roundTripTokens));
                parts.push(...(await measureStorage(place, storage)));
                context.say('what is counted');
            }
            return parts;
        });
    }
});
