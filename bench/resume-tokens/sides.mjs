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
