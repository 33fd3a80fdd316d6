// @ts-check
import { openStore } from '../shared/nats-clients.mjs';
import { heldMegabytes } from '../shared/memory.mjs';
import { fill, getting, keyOf, knownKeys, setting } from '../shared/watermarks.mjs';
import { elapsed, freshServer, rateOf, storedMegabytes } from './measuring.mjs';
import { restartColumns, restarts } from './restarts.mjs';
import { using } from '../shared/using.mjs';

/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/section.mjs').Context} Context */

const BUCKET = 'growth';
const CALLERS = 256;

/**
 * How cost grows with the number of keys in one bucket.
 *
 * @param {readonly number[]} counts
 * @param {number} windowMs
 * @param {Context} context
 * @returns {Promise<Part[]>}
 */
export function growKeys(counts, windowMs, context) {
    return using(async use => {
        const server = use(await freshServer());
        // With the default, `getAll` of the most keys might not be done in time on a slow machine.
        const { watermarks } = use(await openStore(server.place, BUCKET, { timeoutMs: 120_000 }));
        const heldBefore = heldMegabytes();
        const rows = [];
        const afterRestart = [];
        let filled = 0;
        for (const count of counts) {
            const fillMs = await elapsed(() => fill(watermarks, count, filled));
            const newASecond = ((count - filled) * 1_000) / fillMs;
            filled = count;
            const known = knownKeys(count);
            const next = () => ({ key: known(), version: 'v2', data: { lastId: 'o-2', count: 25 } });
            const setASecond = await rateOf(setting(watermarks, CALLERS, next), windowMs);
            const getASecond = await rateOf(getting(watermarks, CALLERS, known), windowMs);
            const held = heldMegabytes();
            /** @type {ReadonlyMap<string, unknown>} */
            let all = new Map();
            const getAllMs = await elapsed(async () => {
                all = await watermarks.getAll();
            });
            const resultMegabytes = heldMegabytes() - held;
            if (all.size !== count) {
                throw new Error(`getAll gave ${all.size} of ${count} keys.`);
            }
            const ask = () =>
                using(async useOther => {
                    const other = useOther(await openStore(server.place, BUCKET));
                    await other.watermarks.get(keyOf(count - 1));
                });
            const openMs = await elapsed(ask);
            const stored = await storedMegabytes(server.place, BUCKET);
            const memory = await server.megabytes();
            const name = count.toLocaleString('en');
            rows.push({
                name,
                cells: [
                    ...[newASecond, setASecond, getASecond, getAllMs, openMs],
                    ...[held - heldBefore, resultMegabytes, memory, stored]
                ]
            });
            afterRestart.push({ name, cells: await restarts(server, ask) });
            // The store that goes on storing is connected again.
            await watermarks.get(keyOf(0));
            context.say(`${name} keys`);
        }
        const rates = ['new keys a second', 'set a second', 'get a second'];
        const times = ['getAll, ms', 'open, get, close, ms'];
        const memories = ['client, MB', 'result of getAll, MB', 'server, MB', 'on its disk, MB'];
        return [
            {
                kind: 'table',
                name: 'by keys',
                text:
                    `One server, one process, ${CALLERS} callers. The client holds nothing for a key; its own column is noise. ` +
                    'The server is started again after each line.',
                heading: 'keys',
                columns: [
                    ...rates.map(name => ({ name, digits: 0 })),
                    ...times.map(name => ({ name, digits: 1 })),
                    ...memories.map(name => ({ name, digits: 1 }))
                ],
                rows,
                plots: [
                    { title: 'operations a second by keys in the bucket', y: 'a second', columns: rates },
                    { title: 'memory and disk by keys in the bucket', y: 'MB', columns: memories.slice(1) }
                ]
            },
            {
                kind: 'table',
                name: 'by keys: restart of the server',
                text: 'Until an instance that starts then has opened the store and read a key.',
                heading: 'keys',
                columns: restartColumns,
                rows: afterRestart
            }
        ];
    });
}
