// @ts-check
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { jetstreamManager } from '@nats-io/jetstream';

import { openStore } from '../shared/nats-clients.mjs';
import { connectTo } from '../shared/servers.mjs';
import { newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { elapsed } from './measuring.mjs';

/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('./restarts.mjs').FreshServer} FreshServer */
/** @typedef {{ tokens: number, watermark: string }} Milestone `tokens`: how many are at or below the watermark */

/** How often it is looked whether what was acknowledged is gone. */
const LOOK_MS = 5;

/** A server that removes something from a large stream answers nothing about that stream for seconds. */
const PATIENCE_MS = 120_000;

/**
 * What it costs to let go of resume tokens: a few, half of them, almost all.
 *
 * @param {FreshServer} server
 * @param {string} bucket
 * @param {readonly Milestone[]} milestones of all tokens, oldest first
 * @returns {Promise<Part>}
 */
export async function measurePruning(server, bucket, milestones) {
    const rows = [];
    let gone = 0;
    const { length } = milestones;
    // In a stream of two milestones, the three steps would be the same one.
    for (const index of new Set([0, Math.floor((length - 1) / 2), length - 1])) {
        const milestone = milestones[index];
        assert.ok(milestone !== undefined, 'there is a milestone');
        const { tookMs, longestMs } = await prune(server, bucket, milestone);
        // The acknowledged one stays.
        const removed = milestone.tokens - 1 - gone;
        gone += removed;
        const { messages, bytes } = await stateOf(server, bucket);
        rows.push({
            name: removed.toLocaleString('en'),
            cells: [tookMs, longestMs, messages, bytes / 1e6, await server.megabytes()]
        });
    }
    return {
        kind: 'table',
        name: 'by resume tokens: pruning',
        text:
            'From `acknowledge` until the tokens are gone, with `retainMs: 0` and `retainTokens: 0`. Another caller stores one new ' +
            'token after another meanwhile.',
        heading: 'tokens removed',
        columns: [
            { name: 'until they are gone, ms', digits: 0 },
            { name: 'longest call meanwhile, ms', digits: 0 },
            { name: 'messages left', digits: 0 },
            { name: 'on its disk, MB', digits: 1 },
            { name: 'server, MB', digits: 1 }
        ],
        rows
    };
}

/**
 * @param {FreshServer} server
 * @param {string} bucket
 * @param {Milestone} milestone
 */
function prune(server, bucket, { tokens, watermark }) {
    return using(async use => {
        // Each store looks at the first acknowledgement at once, and at later ones after some seconds.
        const options = { retainMs: 0, retainTokens: 0, timeoutMs: PATIENCE_MS };
        const { resumeTokens } = use(await openStore(server.place, bucket, options));
        await resumeTokens.provision(['shard']);
        const nc = use(await connectTo(server.place));
        const { next } = newTokens(`p${tokens}x`);
        const before = await tokensIn(nc, bucket);
        let isGone = false;
        let longestMs = 0;
        const tookMs = elapsed(async () => {
            await resumeTokens.acknowledge('shard', watermark);
            while ((await tokensIn(nc, bucket)).first === before.first) {
                await sleep(LOOK_MS);
            }
        }).finally(() => (isGone = true));
        const storing = async () => {
            while (!isGone) {
                const callMs = await elapsed(() => resumeTokens.getOrCreateWatermark('shard', next()));
                longestMs = Math.max(longestMs, callMs);
            }
        };
        const [took] = await Promise.all([tookMs, storing()]);
        return { tookMs: took, longestMs };
    });
}

/**
 * @param {FreshServer} server
 * @param {string} bucket
 */
async function stateOf(server, bucket) {
    const nc = await connectTo(server.place);
    try {
        return await tokensIn(nc, bucket);
    } finally {
        await nc.close();
    }
}

/**
 * @param {import('@nats-io/transport-node').NatsConnection} nc
 * @param {string} bucket
 */
async function tokensIn(nc, bucket) {
    const manager = await jetstreamManager(nc, { timeout: PATIENCE_MS });
    const { messages, bytes, first_seq: first } = (await manager.streams.info(`KV_${bucket}-tokens-shard`)).state;
    return { messages, bytes, first };
}
