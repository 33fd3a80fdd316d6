// @ts-check
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { bucketsOf, openStore } from '../shared/nats-clients.mjs';
import { inPlaces, section } from '../shared/section.mjs';
import { newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { fill, keyOf } from '../shared/watermarks.mjs';

/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/results.mjs').Cell} Cell */
/** @typedef {import('./instance.mjs').Told} Told */
/** @typedef {{ rounds: number, keys: number }} StartSettings */

const INSTANCE = fileURLToPath(new URL('instance.mjs', import.meta.url));
const BUCKET = 'start-up';

const run = promisify(execFile);

export const startUp = section({
    name: 'start-up',
    title: 'Start of an instance',
    text:
        'A process is started, opens the store and reads once; all that it reads is there already. The first column is all ' +
        'of it, with Node and the packages; the other two are what the store adds.',
    settings: {
        full: { rounds: 11, keys: 10_000 },
        quick: { rounds: 1, keys: 200 }
    },
    measure(/** @type {StartSettings} */ { rounds, keys }, context) {
        return inPlaces(['single'], context, async place => [await measureStarts(place, rounds, keys)]);
    }
});

/**
 * @param {Place} place
 * @param {number} rounds
 * @param {number} keys how many there are, and resume tokens too
 * @returns {Promise<Part>}
 */
function measureStarts(place, rounds, keys) {
    return using(async use => {
        use(await bucketsOf(place, [BUCKET]));
        const { watermarks, resumeTokens } = use(await openStore(place, BUCKET));
        await fill(watermarks, keys);
        const known = await resumeTokens.getOrCreateWatermarks('shard', newTokens('s').many(keys));
        const ways = [
            { name: 'openWatermarkStore, get', args: ['get', place.url, BUCKET, keyOf(1)] },
            { name: 'openWatermarkStore, resume', args: ['resume', place.url, BUCKET, known[1] ?? ''] },
            { name: '@nats-io/kv connect, create, get', args: ['raw', place.url, BUCKET, keyOf(1)] }
        ];
        const rows = ways.map(({ name, args }) => ({
            name,
            args,
            totalMs: numbers(),
            openMs: numbers(),
            readMs: numbers(),
            megabytes: numbers()
        }));
        for (let round = 0; round < rounds; round += 1) {
            for (const row of rows) {
                const { totalMs, openMs, readMs, memoryBytes } = await startInstance(row.args);
                row.totalMs.push(totalMs);
                row.openMs.push(openMs);
                row.readMs.push(readMs);
                row.megabytes.push(memoryBytes / 1e6);
            }
        }
        return {
            kind: 'table',
            name: `start, ${keys.toLocaleString('en')} keys and as many resume tokens: ${place.label}`,
            heading: '',
            columns: [
                { name: 'process, to first read, ms', digits: 0 },
                { name: 'open, ms', digits: 1 },
                { name: 'first read, ms', digits: 1 },
                { name: 'memory, MB', digits: 0 }
            ],
            rows: rows.map(({ name, totalMs, openMs, readMs, megabytes }) => ({
                name,
                cells: [totalMs, openMs, readMs, megabytes]
            }))
        };
    });
}

/** @returns {number[]} */
function numbers() {
    return [];
}

/** @param {readonly string[]} args */
async function startInstance(args) {
    const began = performance.timeOrigin + performance.now();
    const { stdout } = await run(process.execPath, [INSTANCE, ...args]);
    const told = /** @type {Told} */ (JSON.parse(stdout));
    return { ...told, totalMs: told.at - began };
}
