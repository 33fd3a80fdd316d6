// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';

import { openStore } from '../shared/nats-clients.mjs';
import { callersOf } from '../shared/rounds.mjs';
import { serverMemory, startPlace } from '../shared/servers.mjs';
import { newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { elapsed, rateOf, tellsProcessorTime } from './measuring.mjs';

/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/section.mjs').Context} Context */
/** @typedef {import('../shared/servers.mjs').Place} Place */

const BUCKET = 'shards';
const CALLERS = 64;

/** How long the servers are watched while nothing is asked of them. */
const IDLE_MS = 3_000;

/**
 * How cost grows with the shards of one bucket, each of which is a stream, and with replicas a group of servers that elect a
 * leader.
 *
 * @param {1 | 3} replicas
 * @param {readonly number[]} counts
 * @param {{ windowMs: number }} settings
 * @param {Context} context
 * @returns {Promise<Part[]>}
 */
export async function growShards(replicas, counts, { windowMs }, context) {
    /** @type {import('../shared/results.mjs').Row[]} */
    const rows = [];
    let label = '';
    for (const count of counts) {
        await using(async use => {
            const place = await startPlace('newest', replicas);
            if (place === undefined) {
                throw new Error('There is no nats-server: run node scripts/setup.mjs');
            }
            use({ close: () => place.stop() });
            label = place.label;
            rows.push({ name: count.toLocaleString('en'), cells: await measureShards(place, count, windowMs) });
        });
        context.say(`${count.toLocaleString('en')} shards: ${label}`);
    }
    return [
        {
            kind: 'table',
            name: `by shards: ${label}`,
            text: `One process, ${CALLERS} callers, each with a new token for the next shard in turn. Servers that had nothing before.`,
            heading: 'shards',
            columns: [
                { name: 'making one, ms', digits: 2 },
                { name: 'new tokens a second', digits: 0 },
                { name: 'servers, MB', digits: 1 },
                { name: 'open, resume, close, ms', digits: 1 },
                ...(tellsProcessorTime ? [{ name: 'servers idle, % of a core', digits: 1 }] : [])
            ],
            rows
        }
    ];
}

/**
 * @param {Place} place
 * @param {number} count
 * @param {number} windowMs
 */
function measureShards(place, count, windowMs) {
    return using(async use => {
        const before = await megabytesOf(place);
        const { resumeTokens } = use(await openStore(place, BUCKET, { timeoutMs: 60_000 }));
        const names = Array.from({ length: count }, (_, index) => `shard-${index}`);
        const makeMs = await elapsed(async () => {
            for (const name of names) {
                await resumeTokens.provision([name]);
            }
        });
        const { next } = newTokens('s');
        let turn = 0;
        const rate = await rateOf(
            callersOf(CALLERS, () => resumeTokens.getOrCreateWatermark(names[turn++ % count] ?? '', next())),
            windowMs
        );
        const watermark = await resumeTokens.getOrCreateWatermark('shard-0', next());
        const idle = await idleShare(place);
        const openMs = await elapsed(() =>
            using(async useOther => {
                const other = useOther(await openStore(place, BUCKET));
                await other.resumeTokens.resume('shard-0', watermark);
            })
        );
        return [makeMs / count, rate, (await megabytesOf(place)) - before, openMs, ...idle];
    });
}

/**
 * @param {Place} place
 * @returns {Promise<number[]>} empty where the system does not tell
 */
async function idleShare({ processorMicros }) {
    if (processorMicros === undefined) {
        return [];
    }
    const before = processorMicros();
    await sleep(IDLE_MS);
    return [(processorMicros() - before) / (IDLE_MS * 10)];
}

/**
 * What all servers of a place hold in memory (resident).
 *
 * @param {Place} place
 */
async function megabytesOf({ nodes }) {
    let sum = 0;
    for (const node of nodes) {
        sum += await serverMemory(node);
    }
    return sum / 1e6;
}
