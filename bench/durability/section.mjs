// @ts-check
import { bucketsOf, openStore } from '../shared/nats-clients.mjs';
import { inTurn } from '../shared/rounds.mjs';
import { section } from '../shared/section.mjs';
import { inGroups, oneByOne } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { newWatermarks, setting } from '../shared/watermarks.mjs';
import { countFlushes } from './flushes.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkStore} WatermarkStore */
/** @typedef {import('../shared/rounds.mjs').Runner} Runner */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/servers.mjs').SyncInterval} SyncInterval */
/**
 * @typedef {Settings & { replicas: readonly (1 | 3)[], syncs: readonly (SyncInterval | 'default')[],
 *     settleMs: number }} DurabilitySettings `settleMs`: how long after the last write flushes are counted
 */

const SHARD = 'shard';

/** @type {readonly { unit: string, name: string, runner: (store: WatermarkStore) => Runner }[]} */
const cases = [
    { unit: 'writes', name: 'set, one caller', runner: ({ watermarks }) => setting(watermarks, 1, newWatermarks()) },
    { unit: 'writes', name: 'set, 64 callers', runner: ({ watermarks }) => setting(watermarks, 64, newWatermarks()) },
    { unit: 'tokens', name: 'new tokens, one caller', runner: ({ resumeTokens }) => oneByOne(resumeTokens, 1) },
    { unit: 'tokens', name: 'new tokens, 1,000 a call', runner: ({ resumeTokens }) => inGroups(resumeTokens, 1_000) }
];

export const durability = section({
    name: 'durability',
    title: 'Durability',
    text:
        'Servers with the default `sync_interval` of two minutes and with `always`, where each write is on the disk before ' +
        'it is acknowledged. A disk that takes longer to flush makes `always` cost more.',
    settings: {
        full: {
            rounds: 5,
            windowMs: 700,
            warmUpMs: 400,
            replicas: /** @type {const} */ ([1, 3]),
            syncs: /** @type {const} */ (['default', 1_000, 'always']),
            // Longer than the shortest interval but one, so that it shows.
            settleMs: 1_500
        },
        quick: {
            rounds: 1,
            windowMs: 10,
            warmUpMs: 5,
            replicas: /** @type {const} */ ([1]),
            syncs: /** @type {const} */ (['always']),
            settleMs: 50
        }
    },
    async measure(/** @type {DurabilitySettings} */ { replicas, syncs, settleMs, ...settings }, context) {
        const { places, skip } = context;
        const parts = await countFlushes({ replicas, syncs, settleMs }, context);
        for (const count of replicas) {
            const name = count === 1 ? 'single' : 'cluster';
            const always = await places.get(`${name}-always`);
            const usual = await places.get(name);
            if (always === undefined || usual === undefined) {
                skip(`${name}: the set-up has put no such nats-server in place`);
            } else {
                parts.push(...(await compare(always, usual, settings)));
            }
        }
        return parts;
    }
});

/**
 * @param {Place} always
 * @param {Place} usual
 * @param {Settings} settings
 * @returns {Promise<Part[]>}
 */
function compare(always, usual, settings) {
    return using(async use => {
        const [onAlways, onUsual] = [use(await openProvisioned(always, use)), use(await openProvisioned(usual, use))];
        /** @type {Part[]} */
        const parts = [];
        for (const { unit, name, runner } of cases) {
            const ways = [
                { name: 'always', run: runner(onAlways), processorMicros: always.processorMicros },
                { name: 'the default', run: runner(onUsual), processorMicros: usual.processorMicros }
            ];
            parts.push({
                kind: 'comparison',
                name: `${name}: ${usual.label}`,
                unit,
                ways: await inTurn(ways, settings)
            });
        }
        return parts;
    });
}

/**
 * @param {Place} place
 * @param {<T extends { close(): Promise<void> | void }>(used: T) => T} use
 */
async function openProvisioned(place, use) {
    const bucket = 'durability';
    const buckets = use(await bucketsOf(place, [bucket, `${bucket}-tokens-${SHARD}`]));
    const store = await openStore(place, bucket);
    await store.resumeTokens.provision([SHARD]);
    await buckets.made();
    return store;
}
