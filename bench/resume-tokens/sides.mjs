// @ts-check
import { openWatermarkStore } from '@cbnsndwch/zero-watermark-nats-kv/store';

import { connectTo } from '../shared/servers.mjs';
import { ExistingAlgorithm } from './existing-algorithm.mjs';

/** @typedef {import('@nats-io/transport-node').NatsConnection} NatsConnection */
/** @typedef {import('@cbnsndwch/zero-watermark-nats-kv/store').ResumeTokenService} ResumeTokenService */
/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {{ nc: NatsConnection, existing: ExistingAlgorithm, close: () => Promise<void> }} ExistingSide */
/** @typedef {{ nc: NatsConnection, tokens: ResumeTokenService, close: () => Promise<void> }} OurSide */

/**
 * @param {Place} place
 * @param {string} bucket
 * @returns {Promise<ExistingSide>}
 */
export async function openExisting(place, bucket) {
    const nc = await connectTo(place);
    const existing = await ExistingAlgorithm.open(nc, bucket, place.replicas);
    return { nc, existing, close: () => nc.close() };
}

/**
 * @param {Place} place
 * @param {string} bucket
 * @param {readonly string[]} shardIds opened at once, so that no measurement contains it
 * @param {{ retainMs?: number, retainTokens?: number }} [retention]
 * @returns {Promise<OurSide>}
 */
export async function openOurs(place, bucket, shardIds, retention = {}) {
    const nc = await connectTo(place);
    const store = await openWatermarkStore({ connection: nc, bucket, replicas: place.replicas, ...retention });
    await store.resumeTokens.provision(shardIds);
    const close = async () => {
        await store.close();
        await nc.close();
    };
    return { nc, tokens: store.resumeTokens, close };
}

/** As long as the resume token of a change stream, with the characters that the existing algorithm can store. */
const LIKE_A_CHANGE_STREAM = '8265a1b2c3000000012b042c0100296e5a1004d1f0c7b8a9e64f3c8d7e6f5a4b3c2d1e46645f6964006';

/**
 * Gives tokens that were never given before.
 *
 * @param {string} name lowercase letters
 */
export function newTokens(name) {
    let given = 0;
    const next = () => `${LIKE_A_CHANGE_STREAM}${name}${(given++).toString(16).padStart(8, '0')}`;
    /** @param {number} count */
    const many = count => Array.from({ length: count }, next);
    return { next, many };
}
