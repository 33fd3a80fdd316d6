// @ts-check
import { inPlaces, section } from '../shared/section.mjs';
import { growInstances } from './instances.mjs';
import { growKeys } from './keys.mjs';
import { growShards } from './shards.mjs';
import { growTokens } from './tokens.mjs';
import { measureViews } from './views.mjs';
import { growWatchers } from './watchers.mjs';

/** @typedef {import('../shared/places.mjs').PlaceName} PlaceName */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {{ rounds: number, windowMs: number, keys: readonly number[], tokens: readonly number[], group: number }} SizeSettings */
/** @typedef {SizeSettings & { viewed: readonly number[] }} MemorySettings */
/**
 * @typedef {SizeSettings & { watchers: readonly number[], instances: readonly number[],
 *     shards: readonly { replicas: 1 | 3, counts: readonly number[] }[], places: readonly PlaceName[] }} GrowthSettings
 */

/** A hundred thousand of each, which the usual run has time for. */
export const memory = section({
    name: 'memory',
    title: 'Memory and disk',
    text: 'What a hundred thousand watermarks, and as many resume tokens, take on one server that had nothing before.',
    settings: {
        full: {
            rounds: 1,
            windowMs: 1_000,
            keys: [100_000],
            tokens: [100_000],
            group: 10_000,
            viewed: [10_000, 100_000]
        },
        quick: { rounds: 1, windowMs: 10, keys: [500], tokens: [1_000], group: 500, viewed: [500] }
    },
    async measure(/** @type {MemorySettings} */ { windowMs, keys, tokens, group, viewed }, context) {
        const parts = [
            ...(await growKeys(keys, windowMs, context)),
            ...(await growTokens(tokens, group, context)),
            await measureViews(viewed, context)
        ];
        // One row makes no line.
        return parts.map(part => (part.kind === 'table' ? { ...part, plots: [] } : part));
    }
});

export const growth = section({
    name: 'growth',
    title: 'Growth',
    text: 'How cost grows with keys, resume tokens, shards, watches and instances.',
    isLong: true,
    settings: {
        full: {
            rounds: 3,
            windowMs: 1_500,
            keys: [1_000, 10_000, 100_000, 1_000_000],
            tokens: [10_000, 100_000, 1_000_000, 2_000_000, 5_000_000],
            group: 5_000,
            watchers: [1, 10, 100, 1_000],
            instances: [1, 2, 4, 8, 16],
            shards: [
                { replicas: 1, counts: [1, 10, 100, 1_000] },
                { replicas: 3, counts: [1, 10, 100, 300] }
            ],
            places: /** @type {const} */ (['single', 'cluster'])
        },
        quick: {
            rounds: 1,
            windowMs: 10,
            keys: [100, 500],
            tokens: [1_000, 2_000, 3_000],
            group: 500,
            watchers: [1, 5],
            instances: [1, 2],
            shards: [{ replicas: 1, counts: [1, 3] }],
            places: /** @type {const} */ (['single'])
        }
    },
    async measure(/** @type {GrowthSettings} */ settings, context) {
        const { rounds, windowMs, keys, tokens, group, watchers, instances, shards, places } = settings;
        const byKeysAndTokens = [
            ...(await growKeys(keys, windowMs, context)),
            ...(await growTokens(tokens, group, context))
        ];
        const byShards = [];
        for (const { replicas, counts } of shards) {
            byShards.push(...(await growShards(replicas, counts, { windowMs }, context)));
        }
        return [
            ...byKeysAndTokens,
            ...byShards,
            ...(await growWatchers(watchers, rounds, context)),
            ...(await inPlaces(places, context, place =>
                growInstances(place, instances, { rounds, windowMs }, context)
            ))
        ];
    }
});
