// @ts-check
import assert from 'node:assert/strict';

import { openStore } from '../shared/nats-clients.mjs';
import { heldMegabytes } from '../shared/memory.mjs';
import { above, newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { extrapolate } from './extrapolation.mjs';
import { elapsed, freshServer, storedMegabytes, tellsProcessorTime } from './measuring.mjs';
import { measurePruning } from './pruning.mjs';
import { restartColumns, restarts } from './restarts.mjs';

/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/section.mjs').Context} Context */
/** @typedef {import('../shared/servers.mjs').Place} Place */

const BUCKET = 'growth';
const RESUMES = 200;

/** How many tokens are exported, at the most, to see how fast that is. */
const EXPORTED = 20_000;

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
        const milestones = [{ tokens: group, watermark: last }];
        const rows = [];
        const afterRestart = [];
        let stored = group;
        for (const count of counts) {
            const from = stored;
            const { processorMicros = () => NaN } = server.place;
            const microsBefore = processorMicros();
            const storeMs = await elapsed(async () => {
                for (; stored < count; stored += group) {
                    last = (await resumeTokens.getOrCreateWatermarks('shard', many(group))).reduce(above, last);
                    milestones.push({ tokens: stored + group, watermark: last });
                }
            });
            const serverMicros = (processorMicros() - microsBefore) / (stored - from);
            const held = heldMegabytes() - heldBefore;
            const { replayMs, resumeMs, openMs } = await another(server.place, first, firstWatermarks, last);
            const exportedASecond = await exportRate(server.place);
            const disk = await storedMegabytes(server.place, BUCKET);
            const name = count.toLocaleString('en');
            rows.push({
                name,
                cells: [
                    ...[((stored - from) * 1_000) / storeMs, (group * 1_000) / replayMs, exportedASecond],
                    ...[resumeMs, openMs, held, await server.megabytes(), disk, (disk * 1e6) / count],
                    ...(tellsProcessorTime ? [serverMicros] : [])
                ]
            });
            const ask = () => openAndResume(server.place, last);
            afterRestart.push({ name, cells: await restarts(server, ask) });
            // The store that goes on storing is connected again.
            await resumeTokens.head('shard');
            context.say(`${count.toLocaleString('en')} resume tokens`);
        }
        const rates = ['new tokens a second', 'known tokens a second', 'exported a second'];
        const memories = ['client, MB', 'server, MB', 'on its disk, MB'];
        /** @type {import('../shared/results.mjs').Table[]} */
        const tables = [
            {
                kind: 'table',
                name: 'by resume tokens',
                text:
                    `One shard on one server; \`getOrCreateWatermarks\` with ${group.toLocaleString('en')} tokens a call. Known ` +
                    'tokens are the oldest of all, asked for by an instance that has just started. The client remembers the ' +
                    'tokens that were asked for last, up to 20,000. The server is started again after each line.',
                heading: 'resume tokens',
                columns: [
                    ...rates.map(name => ({ name, digits: 0 })),
                    { name: 'resume, ms', digits: 3 },
                    { name: 'open, resume, close, ms', digits: 1 },
                    ...memories.map(name => ({ name, digits: 1 })),
                    { name: 'bytes a token', digits: 0 },
                    ...(tellsProcessorTime ? [{ name: 'server, µs a new token', digits: 1 }] : [])
                ],
                rows,
                plots: [
                    { title: 'resume tokens a second by tokens of the shard', y: 'a second', columns: rates },
                    { title: 'memory and disk by tokens of the shard', y: 'MB', columns: memories }
                ]
            },
            {
                kind: 'table',
                name: 'by resume tokens: restart of the server',
                text: 'Until an instance that starts then has opened the store and resumed.',
                heading: 'resume tokens',
                columns: restartColumns,
                rows: afterRestart
            }
        ];
        // Times depend on what else the machine does.
        const grown = ['server, MB', 'server after that, MB', 'on its disk, MB'];
        return [
            ...tables,
            ...extrapolate('by resume tokens: extrapolated', tables, grown),
            await measurePruning(server, BUCKET, milestones)
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
    const openMs = await elapsed(() => openAndResume(place, newest));
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

/**
 * @param {Place} place
 * @param {string} watermark
 */
function openAndResume(place, watermark) {
    return using(async use => {
        const { resumeTokens } = use(await openStore(place, BUCKET));
        assert.equal((await resumeTokens.resume('shard', watermark)).kind, 'resume');
    });
}

/**
 * How many tokens are exported a second.
 *
 * @param {Place} place
 */
function exportRate(place) {
    return using(async use => {
        const { resumeTokens } = use(await openStore(place, BUCKET));
        let lines = 0;
        const exportMs = await elapsed(async () => {
            for await (const line of resumeTokens.exportWatermarks({ shardIds: ['shard'] })) {
                lines += line === '' ? 0 : 1;
                if (lines >= EXPORTED) {
                    break;
                }
            }
        });
        return (lines * 1_000) / exportMs;
    });
}
