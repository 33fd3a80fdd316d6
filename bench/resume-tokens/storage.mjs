// @ts-check
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { bucketsOf } from '../shared/nats-clients.mjs';
import { streamsOf } from '../shared/servers.mjs';
import { newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { openExisting, openOurs } from './sides.mjs';

/** @typedef {import('@nats-io/transport-node').NatsConnection} NatsConnection */
/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {{ tokens: number, messages: number, bytes: number }} Sample */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {{ tokens: number, existingTokens: number, tokensASecond: number, retainTokens: number }} StorageSettings */

const GROUP = 1_000;

/** How often the library purges at the most, with as much again for a machine that is busy. */
const BETWEEN_PURGES_MS = 2 * 2_000;

/**
 * What the servers keep. On any machine, however slow, it is as much as is expected.
 *
 * @param {Place} place
 * @param {StorageSettings} settings
 * @returns {Promise<Part[]>}
 */
export async function measureStorage(place, settings) {
    const { retainTokens, tokensASecond } = settings;
    const existing = await keptByExisting(place, settings.existingTokens);
    const ours = await keptByOurs(place, settings.tokens);
    const { acknowledged, atRest } = await keptWhenAcknowledged(place, settings);
    const limit = retainTokens + GROUP + (tokensASecond * BETWEEN_PURGES_MS) / 1_000;
    const most = Math.max(...acknowledged.map(({ messages }) => messages));
    assert.ok(ours.messages <= ours.tokens, `${ours.messages} messages for ${ours.tokens} tokens`);
    assert.ok(most <= limit, `${most} messages although tokens were acknowledged; expected at most ${limit}`);
    assert.ok(atRest.messages <= retainTokens + 1, `${atRest.messages} messages are left at rest`);
    const columns = ['tokens', 'messages', 'messages a token', 'bytes', 'bytes a token'];
    return [
        {
            kind: 'table',
            name: `kept by the server: ${place.label}`,
            text:
                'The last two lines: with `acknowledge` after each thousand, `retainMs: 0` and ' +
                `\`retainTokens: ${retainTokens}\`, at ${tokensASecond.toLocaleString('en')} tokens a second.`,
            heading: '',
            columns: columns.map((name, index) => ({ name, digits: index === 2 ? 2 : 0 })),
            rows: [
                keptRow('now', ours),
                keptRow('before', existing),
                keptRow(
                    'now, acknowledged, at most',
                    acknowledged.find(({ messages }) => messages === most)
                ),
                keptRow('now, acknowledged, at rest', atRest)
            ]
        }
    ];
}

/**
 * @param {string} name
 * @param {Sample | undefined} kept
 */
function keptRow(name, { tokens, messages, bytes } = { tokens: NaN, messages: NaN, bytes: NaN }) {
    return { name, cells: [tokens, messages, messages / tokens, bytes, bytes / tokens] };
}

/**
 * @param {Place} place
 * @param {number} count
 */
function keptByExisting(place, count) {
    const bucket = 'existing-storage';
    return using(async use => {
        use(await bucketsOf(place, [bucket]));
        const { nc, existing } = use(await openExisting(place, bucket));
        for (const token of newTokens('e').many(count)) {
            await existing.getOrCreateWatermark('shard', token);
        }
        return sample(nc, bucket, count);
    });
}

/**
 * @param {Place} place
 * @param {number} count
 */
function keptByOurs(place, count) {
    const bucket = 'ours-storage';
    return using(async use => {
        use(await bucketsOf(place, [bucket]));
        const { nc, tokens } = use(await openOurs(place, bucket, ['shard']));
        const { many } = newTokens('a');
        for (let stored = 0; stored < count; stored += GROUP) {
            await tokens.getOrCreateWatermarks('shard', many(GROUP));
        }
        return sample(nc, bucket, count);
    });
}

/**
 * A busy shard whose zero-cache acknowledges every group of tokens right away.
 *
 * @param {Place} place
 * @param {StorageSettings} settings
 */
function keptWhenAcknowledged(place, { tokens: count, tokensASecond, retainTokens }) {
    const bucket = 'ours-acknowledged';
    return using(async use => {
        use(await bucketsOf(place, [bucket]));
        const side = use(await openOurs(place, bucket, ['shard'], { retainMs: 0, retainTokens }));
        const { many } = newTokens('a');
        const start = performance.now();
        /** @type {Sample[]} */
        const acknowledged = [];
        let newest = '';
        for (let tokens = GROUP; tokens <= count; tokens += GROUP) {
            newest = (await side.tokens.getOrCreateWatermarks('shard', many(GROUP))).at(-1) ?? '';
            await side.tokens.acknowledge('shard', newest);
            acknowledged.push(await sample(side.nc, bucket, tokens));
            // The pace is part of what is measured.
            await sleep(start + (tokens * 1_000) / tokensASecond - performance.now());
        }
        return { acknowledged, atRest: await settled(side, newest, count, bucket, retainTokens) };
    });
}

/**
 * What is left a little after the last token.
 *
 * @param {import('./sides.mjs').OurSide} side
 * @param {string} newest
 * @param {number} tokens
 * @param {string} bucket
 * @param {number} retainTokens
 */
async function settled(side, newest, tokens, bucket, retainTokens) {
    const giveUpAt = performance.now() + 2 * BETWEEN_PURGES_MS;
    for (;;) {
        await side.tokens.acknowledge('shard', newest);
        const kept = await sample(side.nc, bucket, tokens);
        if (kept.messages <= retainTokens + 1 || performance.now() > giveUpAt) {
            return kept;
        }
        await sleep(100);
    }
}

/**
 * @param {NatsConnection} nc
 * @param {string} bucket
 * @param {number} tokens
 * @returns {Promise<Sample>}
 */
async function sample(nc, bucket, tokens) {
    // The store's own bucket holds no tokens.
    const states = (await streamsOf(nc, bucket)).map(stream => stream.state);
    return {
        tokens,
        messages: states.reduce((sum, { messages }) => sum + messages, 0),
        bytes: states.reduce((sum, { bytes }) => sum + bytes, 0)
    };
}
