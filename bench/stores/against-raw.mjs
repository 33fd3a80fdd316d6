// @ts-check
import { join } from 'node:path';

import { openWatermarkStore } from '@cbnsndwch/zero-watermark-zqlite/store';

import { inTurn } from '../shared/rounds.mjs';
import { callersName } from '../shared/section.mjs';
import { using } from '../shared/using.mjs';
import { fill, getting, knownKeys, newWatermarks, setting } from '../shared/watermarks.mjs';
import { RawStatements } from './raw.mjs';

/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {Settings & { keys: readonly number[] }} RawSettings */

const CALLERS = [1, 16, 256];

/**
 * The store on SQLite against prepared statements that do the same transactions, each in a file of its own with the
 * default `synchronous: 'full'`.
 *
 * @param {string} folder
 * @param {RawSettings} settings `keys`: as many as there may be in practice, and more than the store remembers
 * @param {(line: string) => void} say
 * @returns {Promise<Part[]>}
 */
export function measureAgainstRaw(folder, { keys, ...settings }, say) {
    return using(async use => {
        const most = Math.max(...keys);
        const { watermarks } = use(await openFilled(join(folder, 'ours.db'), most));
        await (await openFilled(join(folder, 'raw.db'), most)).close();
        const raw = use(RawStatements.open(join(folder, 'raw.db')));
        const next = { raw: newWatermarks(), ours: newWatermarks() };
        /** @param {number} callers */
        const writing = callers => [
            { name: 'SQLite store', run: setting(watermarks, callers, next.ours) },
            { name: 'prepared statements', run: raw.setting(callers, next.raw) }
        ];
        // The code has to be compiled before one caller, who mostly waits for the disk, is measured.
        await inTurn(writing(256), { ...settings, rounds: 1, windowMs: settings.warmUpMs });
        /** @type {Part[]} */
        const parts = [];
        for (const callers of CALLERS) {
            parts.push({
                kind: 'comparison',
                name: `set against prepared statements, ${callersName(callers)}`,
                text: 'Raw statements do the same transactions on the same tables, so many writes in each as callers wait.',
                unit: 'writes',
                ways: await inTurn(writing(callers), settings)
            });
            say(`set, ${callersName(callers)}, against prepared statements`);
        }
        for (const count of keys) {
            const ways = [
                { name: 'SQLite store', run: getting(watermarks, 1, knownKeys(count)) },
                { name: 'prepared statement', run: raw.getting(knownKeys(count)) }
            ];
            parts.push({
                kind: 'comparison',
                name: `get against a prepared statement, ${count.toLocaleString('en')} keys`,
                text: 'The store remembers what it has read, and looks each time whether another process has written.',
                unit: 'reads',
                ways: await inTurn(ways, settings)
            });
        }
        return parts;
    });
}

/**
 * @param {string} database
 * @param {number} count
 */
async function openFilled(database, count) {
    const store = await openWatermarkStore({ database });
    await fill(store.watermarks, count);
    return store;
}
