// @ts-check
import { join } from 'node:path';

import { openMemoryStore } from '@cbnsndwch/zero-contracts/memory';
import { openWatermarkStore as openOnNats } from '@cbnsndwch/zero-watermark-nats-kv/store';
import { openWatermarkStore as openOnSqlite } from '@cbnsndwch/zero-watermark-zqlite/store';

import { connectTo, leadFromHere, startPlace } from '../shared/servers.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkStore} WatermarkStore */
/**
 * `other`: another instance on what is kept there; `undefined` where there can be none.
 *
 * @typedef {{ label: string, store: WatermarkStore, other: WatermarkStore | undefined, close: () => Promise<void> }} OpenPlace
 */

const BUCKET = 'stores';

/** One shard, made at once, so that no measurement contains it. */
const SHARDS = ['shard'];

/**
 * Opens a store everywhere that is compared.
 *
 * @param {string} folder
 * @param {(label: string) => void} say
 * @returns {Promise<OpenPlace[]>}
 */
export async function openPlaces(folder, say) {
    /** @type {OpenPlace[]} */
    const open = [];
    const ways = [
        inMemory,
        () => onSqlite('SQLite in memory', { database: ':memory:' }),
        () => onSqlite('SQLite, synchronous NORMAL', { database: join(folder, 'n.db'), synchronous: 'normal' }),
        () => onSqlite('SQLite, synchronous FULL', { database: join(folder, 'f.db') }),
        () => onNats(1, {}),
        () => onNats(1, { syncInterval: 'always' }),
        () => onNats(3, {})
    ];
    try {
        for (const way of ways) {
            const place = await way();
            say(place.label);
            open.push(place);
        }
        return open;
    } catch (error) {
        await closePlaces(open);
        throw error;
    }
}

/** @param {readonly OpenPlace[]} places */
export async function closePlaces(places) {
    await Promise.all(places.map(place => place.close()));
}

/** @returns {Promise<OpenPlace>} */
async function inMemory() {
    const store = openMemoryStore();
    await store.resumeTokens.provision(SHARDS);
    return { label: 'memory store', store, other: undefined, close: () => store.close() };
}

/**
 * @param {string} label
 * @param {import('@cbnsndwch/zero-watermark-zqlite/store').ZqliteOptions} options
 * @returns {Promise<OpenPlace>}
 */
async function onSqlite(label, options) {
    const store = await openOnSqlite(options);
    const other = options.database === ':memory:' ? undefined : await openOnSqlite(options);
    await store.resumeTokens.provision(SHARDS);
    const close = async () => {
        await other?.close();
        await store.close();
    };
    return { label, store, other, close };
}

/**
 * @param {1 | 3} replicas
 * @param {{ syncInterval?: import('../shared/servers.mjs').SyncInterval }} options
 * @returns {Promise<OpenPlace>}
 */
async function onNats(replicas, options) {
    const place = await startPlace('newest', replicas, options);
    if (place === undefined) {
        throw new Error('There is no nats-server: run node scripts/setup.mjs');
    }
    const connection = await connectTo(place);
    const store = await openOnNats({ connection, bucket: BUCKET, replicas });
    const other = await openOnNats({ servers: [place.url], bucket: BUCKET, replicas });
    await store.resumeTokens.provision(SHARDS);
    if (replicas > 1) {
        await leadFromHere(connection, BUCKET);
    }
    const close = async () => {
        await other.close();
        await store.close();
        await connection.close();
        await place.stop();
    };
    return { label: place.label, store, other, close };
}
