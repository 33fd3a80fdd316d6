// @ts-check
import { startTcpProxy } from '@cbnsndwch/zero-watermark-nats-kv/testing';

import { bucketsOf, openStore } from '../shared/nats-clients.mjs';
import { inTurn } from '../shared/rounds.mjs';
import { inPlaces, section } from '../shared/section.mjs';
import { assigning, inGroups, oneByOne } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { fill, getting, knownKeys, newWatermarks, setting } from '../shared/watermarks.mjs';
import { measureStarts } from './starts.mjs';

/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/rounds.mjs').Runner} Runner */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/places.mjs').PlaceName} PlaceName */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('@cbnsndwch/zero-watermark-nats-kv/store').WatermarkStore} WatermarkStore */
/** @typedef {Settings & { roundTripsMs: readonly number[], starts: number, places: readonly PlaceName[] }} FarSettings */

const BUCKET = 'far';
const KEYS = 1_000;

/** @type {readonly { name: string, of: (store: WatermarkStore) => Runner }[]} */
const WORKS = [
    { name: '`set`, one caller', of: ({ watermarks }) => setting(watermarks, 1, newWatermarks({ keys: KEYS })) },
    { name: '`set`, 256 callers', of: ({ watermarks }) => setting(watermarks, 256, newWatermarks({ keys: KEYS })) },
    { name: '`get`, one caller', of: ({ watermarks }) => getting(watermarks, 1, knownKeys(KEYS)) },
    { name: '`get`, 256 callers', of: ({ watermarks }) => getting(watermarks, 256, knownKeys(KEYS)) },
    { name: 'new tokens, one caller', of: ({ resumeTokens }) => oneByOne(resumeTokens, 1) },
    { name: 'new tokens, 64 callers', of: ({ resumeTokens }) => oneByOne(resumeTokens, 64) },
    { name: 'new tokens, 1,000 a call', of: ({ resumeTokens }) => inGroups(resumeTokens, 1_000) },
    { name: 'new tokens, 10,000 a call', of: ({ resumeTokens }) => inGroups(resumeTokens, 10_000) },
    { name: '`assignWatermarks`, 1,000 in flight', of: ({ resumeTokens }) => assigning(resumeTokens) },
    {
        name: '`assignWatermarks`, 10,000 in flight',
        of: ({ resumeTokens }) => assigning(resumeTokens, { maxInFlight: 10_000 })
    }
];

export const far = section({
    name: 'far',
    title: 'Far away',
    text:
        'The servers are reached through a proxy in the process of the callers, which delivers everything later, in both ' +
        'directions. It is there without a delay too, and takes its share of the processor then.',
    settings: {
        full: {
            rounds: 3,
            windowMs: 1_000,
            warmUpMs: 1_500,
            roundTripsMs: [0, 25, 75],
            starts: 5,
            places: /** @type {const} */ (['single', 'cluster'])
        },
        quick: {
            rounds: 1,
            windowMs: 10,
            warmUpMs: 5,
            roundTripsMs: [0, 2],
            starts: 1,
            places: /** @type {const} */ (['single'])
        }
    },
    measure(/** @type {FarSettings} */ { roundTripsMs, starts, places, ...settings }, context) {
        return inPlaces(places, context, (place, name) =>
            using(async use => {
                const links = [];
                for (const roundTripMs of roundTripsMs) {
                    links.push({ roundTripMs, place: use(await farFrom(place, roundTripMs)) });
                }
                /** @type {Part[]} */
                const parts = [await measureRates(place, links, settings, context.say)];
                // Replicas change nothing about how many round trips a start takes.
                if (name === 'single') {
                    parts.push(await measureStarts(place, links, starts));
                }
                return parts;
            })
        );
    }
});

/**
 * @param {Place} place
 * @param {number} roundTripMs
 * @returns {Promise<Place & { close: () => Promise<void> }>}
 */
async function farFrom(place, roundTripMs) {
    const proxy = await startTcpProxy({ target: { port: Number(new URL(place.url).port) } });
    proxy.delay(roundTripMs / 2);
    return { ...place, url: proxy.url, close: () => proxy.stop() };
}

/**
 * @param {Place} place
 * @param {readonly { roundTripMs: number, place: Place }[]} links
 * @param {Settings} settings
 * @param {(line: string) => void} say
 * @returns {Promise<Part>}
 */
async function measureRates(place, links, settings, say) {
    const rows = [];
    for (const { name, of } of WORKS) {
        const ways = await using(async use => {
            const buckets = use(
                await bucketsOf(
                    place,
                    links.map(({ roundTripMs }) => `${BUCKET}-${roundTripMs}`)
                )
            );
            const each = [];
            for (const link of links) {
                const store = use(await openStore(link.place, `${BUCKET}-${link.roundTripMs}`));
                await store.resumeTokens.provision(['shard']);
                await fill(store.watermarks, KEYS);
                each.push({ name: String(link.roundTripMs), run: of(store) });
            }
            await buckets.made();
            return inTurn(each, settings);
        });
        rows.push({ name, cells: ways.map(({ rounds }) => rounds.map(({ aSecond }) => aSecond)) });
        say(`${name}: ${place.label}`);
    }
    return {
        kind: 'table',
        name: `a second, by round trip: ${place.label}`,
        heading: 'operations a second',
        columns: links.map(({ roundTripMs }) => ({ name: `${roundTripMs} ms`, digits: 0 })),
        rows
    };
}
