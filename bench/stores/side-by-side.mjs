// @ts-check
import { EventEmitter, once } from 'node:events';
import { createHistogram } from 'node:perf_hooks';

import { callersOf, inTurn, spreadOf } from '../shared/rounds.mjs';
import { assigning, inGroups, newTokens, oneByOne } from '../shared/tokens.mjs';
import { closePlaces, openPlaces } from './places.mjs';
import { fill, getting, knownKeys, newWatermarks, setting } from './watermarks.mjs';

/** @typedef {import('./places.mjs').OpenPlace} OpenPlace */
/** @typedef {import('../shared/rounds.mjs').RecordableHistogram} RecordableHistogram */
/** @typedef {import('../shared/rounds.mjs').Runner} Runner */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/rounds.mjs').Spread} Spread */
/** @typedef {{ p50: number, p95: number, p99: number }} Latencies in milliseconds */
/** @typedef {{ label: string, aSecond: Spread, latencies: Latencies | undefined }} PlaceResult */
/** @typedef {{ name: string, places: PlaceResult[] }} CaseResult */
/** @typedef {(place: OpenPlace, latencies: RecordableHistogram) => Runner | undefined} Way `undefined`: not there */

/** So many watermarks there are to get, and resume tokens to resume from. */
const KNOWN_KEYS = 1_000;
const KNOWN_TOKENS = 1_000;

/** @type {readonly { name: string, way: Way }[]} */
const cases = [
    ...[1, 16, 256].map(callers => ({
        name: `set, ${callers === 1 ? 'one caller' : `${callers} callers`}`,
        way: /** @type {Way} */ (
            ({ store }, latencies) => setting(store.watermarks, callers, newWatermarks(), latencies)
        )
    })),
    ...[1, 16].map(callers => ({
        name: `get, ${callers === 1 ? 'one caller' : `${callers} callers`}`,
        way: /** @type {Way} */ (
            ({ store }, latencies) => getting(store.watermarks, callers, knownKeys(KNOWN_KEYS), latencies)
        )
    })),
    {
        name: 'getOrCreateWatermark, one caller',
        way: ({ store }, latencies) => oneByOne(store.resumeTokens, 1, latencies)
    },
    {
        name: 'getOrCreateWatermark, 64 callers',
        way: ({ store }, latencies) => oneByOne(store.resumeTokens, 64, latencies)
    },
    {
        name: 'getOrCreateWatermarks, 1,000 a call (tokens)',
        way: ({ store }, latencies) => inGroups(store.resumeTokens, 1_000, latencies)
    },
    { name: 'assignWatermarks (tokens)', way: ({ store }) => assigning(store.resumeTokens) },
    { name: 'resume, one caller', way: resuming },
    { name: 'from a set to the watch of another instance', way: noticing }
];

/**
 * The same operations in all places, in turn.
 *
 * @param {string} folder
 * @param {Settings} settings
 * @param {(line: string) => void} say
 * @returns {Promise<CaseResult[]>}
 */
export async function measureSideBySide(folder, settings, say) {
    const places = await openPlaces(folder, say);
    try {
        for (const { store } of places) {
            await fill(store.watermarks, KNOWN_KEYS);
        }
        /** @type {CaseResult[]} */
        const results = [];
        for (const { name, way } of cases) {
            results.push({ name, places: await measureCase(way, places, settings) });
            say(name);
        }
        return results;
    } finally {
        await closePlaces(places);
    }
}

/**
 * @param {Way} way
 * @param {readonly OpenPlace[]} places
 * @param {Settings} settings
 * @returns {Promise<PlaceResult[]>}
 */
async function measureCase(way, places, settings) {
    const sides = places.flatMap(place => {
        const histogram = createHistogram();
        const runner = way(place, histogram);
        return runner === undefined ? [] : [{ label: place.label, histogram, runner }];
    });
    const rates = await inTurn(
        sides.map(({ runner }) => runner),
        settings,
        () => sides.forEach(({ histogram }) => histogram.reset())
    );
    return sides.map(({ label, histogram }, index) => ({
        label,
        aSecond: spreadOf((rates[index] ?? []).map(({ aSecond }) => aSecond)),
        latencies: latenciesOf(histogram)
    }));
}

/**
 * `resume` from watermarks that are there. The tokens are stored by the first call.
 *
 * @param {OpenPlace} place
 * @param {RecordableHistogram} latencies
 * @returns {Runner}
 */
function resuming({ store: { resumeTokens } }, latencies) {
    /** @type {Promise<string[]> | undefined} */
    let stored;
    let asked = 0;
    return async windowMs => {
        stored ??= resumeTokens.getOrCreateWatermarks('shard', newTokens('d').many(KNOWN_TOKENS));
        const watermarks = await stored;
        const operation = () => resumeTokens.resume('shard', watermarks[asked++ % KNOWN_TOKENS]);
        return callersOf(1, operation, { latencies })(windowMs);
    };
}

/**
 * `set`, and the callback of a `watch` in another instance, one after the other.
 *
 * @type {Way}
 */
function noticing({ store, other }, latencies) {
    if (other === undefined) {
        return undefined;
    }
    const seen = new EventEmitter();
    let written = 0;
    const operation = async () => {
        written += 1;
        const version = `v${written}`;
        const noticed = once(seen, version);
        await store.watermarks.set('noticed', version);
        await noticed;
    };
    return async windowMs => {
        const stop = await other.watermarks.watch('noticed', ({ version }) => seen.emit(version));
        try {
            return await callersOf(1, operation, { latencies })(windowMs);
        } finally {
            stop();
        }
    };
}

/**
 * @param {RecordableHistogram} histogram in nanoseconds
 * @returns {Latencies | undefined} `undefined`: they were not taken
 */
function latenciesOf(histogram) {
    if (histogram.count === 0) {
        return undefined;
    }
    const [p50 = NaN, p95 = NaN, p99 = NaN] = [50, 95, 99].map(share => histogram.percentile(share) / 1_000_000);
    return { p50, p95, p99 };
}
