// @ts-check
import { EventEmitter, once } from 'node:events';
import { createHistogram } from 'node:perf_hooks';

import { callersOf, inTurn } from '../shared/rounds.mjs';
import { callersName } from '../shared/section.mjs';
import { assigning, inGroups, newTokens, oneByOne } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { fill, getting, knownKeys, newWatermarks, setting } from '../shared/watermarks.mjs';
import { openStores } from './open-stores.mjs';

/** @typedef {import('./open-stores.mjs').OpenStore} OpenStore */
/** @typedef {import('../shared/rounds.mjs').RecordableHistogram} RecordableHistogram */
/** @typedef {import('../shared/rounds.mjs').Runner} Runner */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/section.mjs').Context} Context */
/** @typedef {(open: OpenStore, latencies: RecordableHistogram) => Runner | undefined} StoreWay `undefined`: not there */

/**
 * @param {number} known so many watermarks there are to get, and resume tokens to resume from
 * @returns {readonly { name: string, unit: string, way: StoreWay }[]}
 */
const casesOf = known => [
    ...[1, 16, 256].map(callers => ({
        name: `set, ${callersName(callers)}`,
        unit: 'writes',
        way: /** @type {StoreWay} */ (
            ({ store }, latencies) => setting(store.watermarks, callers, newWatermarks(), latencies)
        )
    })),
    ...[1, 16].map(callers => ({
        name: `get, ${callersName(callers)}`,
        unit: 'reads',
        way: /** @type {StoreWay} */ (
            ({ store }, latencies) => getting(store.watermarks, callers, knownKeys(known), latencies)
        )
    })),
    ...[1, 64].map(callers => ({
        name: `getOrCreateWatermark, ${callersName(callers)}`,
        unit: 'tokens',
        way: /** @type {StoreWay} */ (({ store }, latencies) => oneByOne(store.resumeTokens, callers, latencies))
    })),
    {
        name: 'getOrCreateWatermarks, 1,000 a call',
        unit: 'tokens',
        way: ({ store }, latencies) => inGroups(store.resumeTokens, 1_000, latencies)
    },
    { name: 'assignWatermarks', unit: 'tokens', way: ({ store }) => assigning(store.resumeTokens) },
    { name: 'resume, one caller', unit: 'calls', way: (open, latencies) => resuming(open, known, latencies) },
    { name: 'from a set to the watch of another instance', unit: 'changes', way: noticing }
];

/**
 * The same operations on all stores, in turn.
 *
 * @param {Settings & { known: number }} settings
 * @param {Context} context
 * @returns {Promise<Part[]>}
 */
export function measureSideBySide({ known, ...settings }, context) {
    return using(async use => {
        const { stores } = use(await openStores(context));
        const reference = stores[0]?.label ?? '';
        for (const { store } of stores) {
            await fill(store.watermarks, known);
        }
        /** @type {Part[]} */
        const parts = [];
        for (const { name, unit, way } of casesOf(known)) {
            const ways = stores.flatMap(open => {
                const latencies = createHistogram();
                const run = way(open, latencies);
                return run === undefined ? [] : { name: open.label, latencies, run };
            });
            parts.push({ kind: 'comparison', name, unit, reference, ways: await inTurn(ways, settings) });
            context.say(name);
        }
        return parts;
    });
}

/**
 * `resume` from watermarks that are there. The tokens are stored by the first call.
 *
 * @param {OpenStore} open
 * @param {number} known
 * @param {RecordableHistogram} latencies
 * @returns {Runner}
 */
function resuming({ store: { resumeTokens } }, known, latencies) {
    /** @type {Promise<string[]> | undefined} */
    let stored;
    let asked = 0;
    return async windowMs => {
        stored ??= resumeTokens.getOrCreateWatermarks('shard', newTokens('d').many(known));
        const watermarks = await stored;
        const operation = () => resumeTokens.resume('shard', watermarks[asked++ % known]);
        return callersOf(1, operation, { latencies })(windowMs);
    };
}

/**
 * `set`, and the callback of a `watch` in another instance, one after the other.
 *
 * @type {StoreWay}
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
