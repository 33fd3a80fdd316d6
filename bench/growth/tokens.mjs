// @ts-check
import assert from 'node:assert/strict';

import { openStore } from '../shared/nats-clients.mjs';
import { heldMegabytes } from '../shared/memory.mjs';
import { above, newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { elapsed, freshServer, storedMegabytes } from './measuring.mjs';

/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/section.mjs').Context} Context */
/** @typedef {import('../shared/servers.mjs').Place} Place */

const BUCKET = 'growth';
const RESUMES = 200;

/**
 * How cost grows with the resume tokens of one shard, none of which is acknowledged.
 *
 * @param {readonly number[]} counts
 * @param {number} group how many tokens a call
 * @param {Context} context
 * @returns {Promise<Part[]>}
 */
export function growTokens(counts, group, context) {
    return using(async use => {
        const server = use(await freshServer());
        const { resumeTokens } = use(await openStore(server.place, BUCKET));
        await resumeTokens.provision(['shard']);
        const heldBefore = heldMegabytes();
        const { many } = newTokens('g');
        const first = many(group);
        const firstWatermarks = await resumeTokens.getOrCreateWatermarks('shard', first);
        let last = firstWatermarks.reduce(above, '');
        const rows = [];
        let stored = group;
        for (const count of counts) {
            const from = stored;
            const storeMs = await elapsed(async () => {
                for (; stored < count; stored += group) {
                    last = (await resumeTokens.getOrCreateWatermarks('shard', many(group))).reduce(above, last);
                }
            });
            const held = heldMegabytes() - heldBefore;
            const { replayMs, resumeMs, openMs } = await another(server.place, first, firstWatermarks, last);
            const disk = await storedMegabytes(server.place, BUCKET);
            rows.push({
                name: count.toLocaleString('en'),
                cells: [
                    ...[((stored - from) * 1_000) / storeMs, (group * 1_000) / replayMs, resumeMs, openMs],
                    ...[held, await server.megabytes(), disk, (disk * 1e6) / count]
                ]
            });
            context.say(`${count.toLocaleString('en')} resume tokens`);
        }
        const rates = ['new tokens a second', 'known tokens a second'];
        const memories = ['client, MB', 'server, MB', 'on its disk, MB'];
        return [
            {
                kind: 'table',
                name: 'by resume tokens',
                text:
                    `One shard on one server; \`getOrCreateWatermarks\` with ${group.toLocaleString('en')} tokens a call. Known ` +
                    'tokens are the oldest of all, asked for by an instance that has just started. The client remembers the ' +
                    'tokens that were asked for last, up to 20,000.',
                heading: 'resume tokens',
                columns: [
                    ...rates.map(name => ({ name, digits: 0 })),
                    { name: 'resume, ms', digits: 3 },
                    { name: 'open, resume, close, ms', digits: 1 },
                    ...memories.map(name => ({ name, digits: 1 })),
                    { name: 'bytes a token', digits: 0 }
                ],
                rows,
                plots: [
                    { title: 'resume tokens a second by tokens of the shard', y: 'a second', columns: rates },
                    { title: 'memory and disk by tokens of the shard', y: 'MB', columns: memories }
                ]
            }
        ];
    });
}

/**
 * What it costs an instance that has just started.
 *
 * @param {Place} place
 * @param {readonly string[]} known
 * @param {readonly string[]} watermarks of those
 * @param {string} newest
 */
async function another(place, known, watermarks, newest) {
    const openMs = await elapsed(() =>
        using(async use => {
            const { resumeTokens } = use(await openStore(place, BUCKET));
            assert.equal((await resumeTokens.resume('shard', newest)).kind, 'resume');
        })
    );
    return using(async use => {
        const { resumeTokens } = use(await openStore(place, BUCKET));
        await resumeTokens.provision(['shard']);
        const replayMs = await elapsed(async () => {
            assert.deepEqual(await resumeTokens.getOrCreateWatermarks('shard', known), watermarks);
        });
        const asked = Array.from({ length: RESUMES }, (_, index) => index % known.length);
        const resumesMs = await elapsed(async () => {
            for (const index of asked) {
                const point = await resumeTokens.resume('shard', watermarks[index]);
                assert.deepEqual(point, { kind: 'resume', resumeToken: known[index] });
            }
        });
        return { openMs, replayMs, resumeMs: resumesMs / RESUMES };
    });
}
