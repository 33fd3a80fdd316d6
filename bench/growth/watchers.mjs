// @ts-check
import { openStore } from '../shared/nats-clients.mjs';
import { heldMegabytes } from '../shared/memory.mjs';
import { Told } from '../shared/told.mjs';
import { using } from '../shared/using.mjs';
import { elapsed, freshServer } from './measuring.mjs';

/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/section.mjs').Context} Context */

const BUCKET = 'growth';

/**
 * How cost grows with the watches that one instance has open on one key.
 *
 * @param {readonly number[]} counts
 * @param {number} rounds
 * @param {Context} context
 * @returns {Promise<Part[]>}
 */
export async function growWatchers(counts, rounds, context) {
    const rows = [];
    for (const count of counts) {
        rows.push(
            await using(async use => {
                const server = use(await freshServer());
                const writer = use(await openStore(server.place, BUCKET));
                const watcher = use(await openStore(server.place, BUCKET));
                const told = new Told(count);
                const heldBefore = heldMegabytes();
                const openMs = await elapsed(async () => {
                    for (let made = 0; made < count; made += 1) {
                        await watcher.watermarks.watch('watched', ({ version }) => told.one(version));
                    }
                });
                const held = heldMegabytes() - heldBefore;
                const tellMs = [];
                for (let round = 0; round < rounds; round += 1) {
                    tellMs.push(await elapsed(() => told.all(version => writer.watermarks.set('watched', version))));
                }
                const name = count.toLocaleString('en');
                return { name, cells: [tellMs, openMs / count, held, await server.megabytes()] };
            })
        );
        context.say(`${count.toLocaleString('en')} watchers`);
    }
    return [
        {
            kind: 'table',
            name: 'by watches',
            text:
                'From a `set` of one instance to the last callback of all watches of another. nats-server 2.15 allows a bucket ' +
                'no more than a thousand, unless it is configured otherwise.',
            heading: 'watches',
            columns: [
                { name: 'set to last callback, ms', digits: 2 },
                { name: 'opening one, ms', digits: 3 },
                { name: 'client, MB', digits: 1 },
                { name: 'server, MB', digits: 1 }
            ],
            rows,
            plots: [
                { title: 'from a set to the last callback by watches', y: 'ms', columns: ['set to last callback, ms'] }
            ]
        }
    ];
}
