// @ts-check
import { openWatermarkStore } from '@cbnsndwch/zero-watermark-nats-kv/store';

import { connectTo, leadFromHere, startPlace } from '../shared/servers.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkStore} WatermarkStore */
/** @typedef {import('../shared/servers.mjs').SyncInterval} SyncInterval */
/** @typedef {{ store: WatermarkStore, version: string, pids: readonly number[], close: () => Promise<void> }} Opened */

const BUCKET = 'durability';

/** The shard that measurements of tokens use, made at once, so that none contains its making. */
const SHARDS = ['shard'];

/**
 * Opens a store on new servers of the newest version that flush in a certain way.
 *
 * @param {1 | 3} replicas
 * @param {SyncInterval | undefined} syncInterval
 * @returns {Promise<Opened>}
 */
export async function openSynced(replicas, syncInterval) {
    const place = await startPlace('newest', replicas, syncInterval === undefined ? {} : { syncInterval });
    if (place === undefined) {
        throw new Error('There is no nats-server: run node scripts/setup.mjs');
    }
    const connection = await connectTo(place);
    const store = await openWatermarkStore({ connection, bucket: BUCKET, replicas });
    await store.resumeTokens.provision(SHARDS);
    if (replicas > 1) {
        await leadFromHere(connection, BUCKET);
    }
    const close = async () => {
        await store.close();
        await connection.close();
        await place.stop();
    };
    return { store, version: place.version, pids: place.pids, close };
}
