// @ts-check
import { join } from 'node:path';

import { openWatermarkStore } from '@cbnsndwch/zero-watermark-zqlite/store';

import { interleave, inTurn, spreadOf } from '../shared/rounds.mjs';
import { RawStatements } from './raw.mjs';
import { fill, getting, knownKeys, newWatermarks, setting } from './watermarks.mjs';

/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/rounds.mjs').Comparison} Comparison */
/** @typedef {import('../shared/rounds.mjs').Spread} Spread */
/** @typedef {Comparison & { callers: number }} Writes */
/** @typedef {{ keys: number, isMeasure: boolean, existing: Spread, ours: Spread, aProcessorSecond: Spread }} Reads */
/** @typedef {{ writes: Writes[], reads: Reads[] }} AgainstRaw */

const CALLERS = [1, 16, 256];

/** So many keys as there may be in practice, and more than the store remembers. */
const KEYS = { usual: 1_000, tooMany: 100_000 };

/**
 * The store on SQLite against prepared statements that do the same transactions, each in a file of its own with the
 * default `synchronous: 'full'`.
 *
 * @param {string} folder
 * @param {Settings} settings
 * @param {(line: string) => void} say
 * @returns {Promise<AgainstRaw>}
 */
export async function measureAgainstRaw(folder, settings, say) {
    const store = await openFilled(join(folder, 'ours.db'));
    await (await openFilled(join(folder, 'raw.db'))).close();
    const raw = RawStatements.open(join(folder, 'raw.db'));
    try {
        const next = { raw: newWatermarks(), ours: newWatermarks() };
        // The code has to be compiled before one caller, who mostly waits for the disk, is measured.
        const warmUp = { ...settings, rounds: 1, windowMs: settings.warmUpMs };
        await inTurn([raw.setting(256, next.raw), setting(store.watermarks, 256, next.ours)], warmUp);
        /** @type {Writes[]} */
        const writes = [];
        for (const callers of CALLERS) {
            const comparison = await interleave(
                raw.setting(callers, next.raw),
                setting(store.watermarks, callers, next.ours),
                settings
            );
            writes.push({ callers, ...comparison });
            say(`set, ${callers} callers: ${comparison.ratio.median.toFixed(2)} of raw statements`);
        }
        /** @type {Reads[]} */
        const reads = [];
        for (const keys of Object.values(KEYS)) {
            const [a = [], b = []] = await inTurn(
                [raw.getting(knownKeys(keys)), getting(store.watermarks, 1, knownKeys(keys))],
                settings
            );
            const ours = spreadOf(b.map(({ aSecond }) => aSecond));
            reads.push({
                keys,
                isMeasure: keys === KEYS.usual,
                existing: spreadOf(a.map(({ aSecond }) => aSecond)),
                ours,
                aProcessorSecond: spreadOf(b.map(({ aProcessorSecond }) => aProcessorSecond))
            });
            say(`get, ${keys} keys: ${Math.round(ours.median)} a second`);
        }
        return { writes, reads };
    } finally {
        raw.close();
        await store.close();
    }
}

/** @param {string} database */
async function openFilled(database) {
    const store = await openWatermarkStore({ database });
    await fill(store.watermarks, KEYS.tooMany);
    return store;
}
