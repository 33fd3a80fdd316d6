// @ts-check
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startNatsCluster, startNatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

import { processorMicrosOf } from './processes.mjs';

/** @typedef {import('@nats-io/transport-node').NatsConnection} NatsConnection */
/** @typedef {import('@nats-io/jetstream').StreamInfo} StreamInfo */
/** @typedef {import('@cbnsndwch/zero-watermark-nats-kv/testing').NatsServer} NatsServer */
/**
 * Where a measurement runs. `processorMicros`: processor time that its servers have used since they were started.
 *
 * @typedef {{ label: string, version: string, replicas: 1 | 3, url: string, nodes: readonly NatsServer[],
 *     readonly monitorUrl: string, readonly pids: readonly number[], processorMicros: (() => number) | undefined,
 *     stop: () => Promise<void> }} Place
 * @typedef {'always' | number} SyncInterval `always`: a write is on the disk before it is acknowledged
 */

/** With millions of messages to read again, a server that was killed takes longer than one of a test. */
const START_TIMEOUT_MS = 180_000;

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Starts one server, or a cluster of three whose clients use its first node.
 *
 * @param {'newest' | 'oldest'} role
 * @param {1 | 3} replicas
 * @param {{ syncInterval?: SyncInterval }} [jetstreamOptions]
 * @returns {Promise<Place | undefined>} `undefined` when the set-up has not put such a server in place
 */
export async function startPlace(role, replicas, jetstreamOptions = {}) {
    const binary = installedServers()[role];
    if (binary === undefined) {
        return undefined;
    }
    const options = { binary: binary.path, jetstreamOptions, startTimeoutMs: START_TIMEOUT_MS };
    const cluster = replicas === 3 ? await startNatsCluster(3, options) : undefined;
    const server = cluster?.nodes[0] ?? (await startNatsServer(options));
    const nodes = cluster?.nodes ?? [server];
    const pidsNow = () => nodes.flatMap(({ pid }) => pid ?? []);
    return {
        label:
            `nats-server ${binary.version}, ${replicas === 3 ? '3 nodes, R3' : 'single'}` +
            (jetstreamOptions.syncInterval === undefined ? '' : `, sync_interval: ${jetstreamOptions.syncInterval}`),
        version: binary.version,
        replicas,
        url: server.url,
        nodes,
        // Both may change when a server is started again.
        get monitorUrl() {
            return server.monitorUrl;
        },
        get pids() {
            return pidsNow();
        },
        processorMicros: processorMicrosOf(pidsNow),
        stop: () => (cluster ?? server).stop()
    };
}

/** @returns {Partial<Record<string, { path: string, version: string }>>} */
function installedServers() {
    /** @type {Record<string, { path: string, version: string }>} */
    let listed;
    try {
        listed = JSON.parse(readFileSync(resolve(root, '.cache/nats-servers.json'), 'utf8'));
    } catch (cause) {
        throw new Error('The nats-servers of the set-up are not known: run node scripts/setup.mjs --nats all', {
            cause
        });
    }
    return Object.fromEntries(
        Object.entries(listed).map(([role, { path, version }]) => [role, { path: resolve(root, path), version }])
    );
}

/**
 * A connection with the options that the library gives its own, so that neither side has a faster client.
 *
 * @param {Place} place
 */
export function connectTo({ url }) {
    return connect({ servers: url, noAsyncTraces: true, ignoreClusterUpdates: true });
}

/**
 * The streams of one bucket, or of the shards of one bucket.
 *
 * @param {NatsConnection} nc
 * @param {string} bucket
 */
export async function streamsOf(nc, bucket) {
    const manager = await jetstreamManager(nc);
    /** @type {StreamInfo[]} */
    const streams = [];
    for await (const stream of manager.streams.list()) {
        const { name } = stream.config;
        if (name === `KV_${bucket}` || name.startsWith(`KV_${bucket}-tokens-`)) {
            streams.push(stream);
        }
    }
    return streams;
}

/**
 * Moves the leaders of a bucket's streams to the node that the clients use. Without this, chance decides which of the
 * two sides has a node more on its way.
 *
 * @param {NatsConnection} nc
 * @param {string} bucket
 */
export async function leadFromHere(nc, bucket) {
    const here = nc.info?.server_name;
    const giveUpAt = performance.now() + 20_000;
    for (const { config } of await streamsOf(nc, bucket)) {
        const request = JSON.stringify({ placement: { preferred: here } });
        while ((await leaderOf(nc, config.name)) !== here) {
            if (performance.now() > giveUpAt) {
                throw new Error(`The leader of the stream ${config.name} did not move to the node of the clients.`);
            }
            // Now and then a leader goes without answering.
            await nc
                .request(`$JS.API.STREAM.LEADER.STEPDOWN.${config.name}`, request, { timeout: 500 })
                .catch(() => {});
        }
    }
}

/**
 * Removes a bucket and its shards, so that the next measurement does not pay for them.
 *
 * @param {NatsConnection} nc
 * @param {string} bucket
 */
export async function removeBucket(nc, bucket) {
    const manager = await jetstreamManager(nc);
    for (const { config } of await streamsOf(nc, bucket)) {
        await manager.streams.delete(config.name);
    }
}

/**
 * What a server holds in memory (resident), in bytes.
 *
 * @param {Pick<Place, 'monitorUrl'>} place
 */
export async function serverMemory({ monitorUrl }) {
    /** @type {unknown} */
    const body = await (await fetch(`${monitorUrl}/varz`)).json();
    return /** @type {{ mem: number }} */ (body).mem;
}

/**
 * @param {NatsConnection} nc
 * @param {string} stream
 */
async function leaderOf(nc, stream) {
    try {
        return (await (await jetstreamManager(nc)).streams.info(stream)).cluster?.leader;
    } catch {
        return undefined;
    }
}
