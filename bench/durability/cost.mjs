// @ts-check
import { interleave } from '../shared/rounds.mjs';
import { inGroups, oneByOne } from '../shared/tokens.mjs';
import { newWatermarks, setting } from '../stores/watermarks.mjs';
import { openSynced } from './open.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkStore} WatermarkStore */
/** @typedef {import('../shared/rounds.mjs').Comparison} Comparison */
/** @typedef {import('../shared/rounds.mjs').Runner} Runner */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {Comparison & { replicas: number, version: string, name: string }} Cost `existing`: with the default */

/** @type {readonly { name: string, runner: (store: WatermarkStore) => Runner }[]} */
const cases = [
    { name: '`set`, one caller', runner: ({ watermarks }) => setting(watermarks, 1, newWatermarks()) },
    { name: '`set`, 64 callers', runner: ({ watermarks }) => setting(watermarks, 64, newWatermarks()) },
    { name: '`getOrCreateWatermark`, one caller', runner: ({ resumeTokens }) => oneByOne(resumeTokens, 1) },
    { name: '`getOrCreateWatermarks`, 1,000 a call', runner: ({ resumeTokens }) => inGroups(resumeTokens, 1_000) }
];

/**
 * Servers with the default `sync_interval` and with `always`, in turn.
 *
 * @param {Settings} settings
 * @param {(line: string) => void} say
 * @returns {Promise<Cost[]>}
 */
export async function measureCost(settings, say) {
    /** @type {Cost[]} */
    const all = [];
    for (const replicas of /** @type {const} */ ([1, 3])) {
        const lazy = await openSynced(replicas, undefined);
        const always = await openSynced(replicas, 'always');
        try {
            for (const { name, runner } of cases) {
                const comparison = await interleave(runner(lazy.store), runner(always.store), settings);
                all.push({ replicas, version: lazy.version, name, ...comparison });
                say(`${replicas} replicas, ${name}: ${comparison.ratio.median.toFixed(2)} of the default`);
            }
        } finally {
            await always.close();
            await lazy.close();
        }
    }
    return all;
}
