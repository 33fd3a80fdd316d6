// @ts-check
import { join } from 'node:path';

import { openMemoryStore } from '@cbnsndwch/zero-contracts/memory';
import { openWatermarkStore as openOnNats } from '@cbnsndwch/zero-watermark-nats-kv/store';
import { openWatermarkStore as openOnSqlite } from '@cbnsndwch/zero-watermark-zqlite/store';

import { connectTo, leadFromHere, removeBucket } from '../shared/servers.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkStore} WatermarkStore */
/** @typedef {import('../shared/section.mjs').Context} Context */
/** @typedef {import('../shared/servers.mjs').Place} Place */
/**
 * `other`: another instance on what is kept there; `undefined` where there can be none.
 *
 * @typedef {{ label: string, store: WatermarkStore, other: WatermarkStore | undefined, close: () => Promise<void> }} OpenStore
 */

const BUCKET = 'stores';

/** One shard, made at once, so that no measurement contains it. */
const SHARDS = ['shard'];

/**
 * Opens a store everywhere that is compared; the one on three servers first.
 *
 * @param {Context} context
 * @returns {Promise<{ stores: OpenStore[], close: () => Promise<void> }>}
 */
export async function openStores({ folder, places, skip }) {
    /** @type {OpenStore[]} */
    const stores = [];
    const close = async () => {
        await Promise.all(stores.map(open => open.close()));
    };
    try {
        for (const name of /** @type {const} */ (['cluster', 'single', 'single-always'])) {
            const place = await places.get(name);
            if (place === undefined) {
                skip(`${name}: there is no nats-server`);
            } else {
                stores.push(await onNats(place));
            }
        }
        const normal = { database: join(folder, 'normal.db'), synchronous: /** @type {const} */ ('normal') };
        stores.push(
            await onSqlite('SQLite, synchronous FULL', { database: join(folder, 'full.db') }),
            await onSqlite('SQLite, synchronous NORMAL', normal),
            await onSqlite('SQLite in memory', { database: ':memory:' }),
            await inMemory()
        );
        return { stores, close };
    } catch (error) {
        await close();
        throw error;
    }
}

/** @returns {Promise<OpenStore>} */
async function inMemory() {
    const store = openMemoryStore();
    await store.resumeTokens.provision(SHARDS);
    return { label: 'memory store', store, other: undefined, close: () => store.close() };
}

/**
 * @param {string} label
 * @param {import('@cbnsndwch/zero-watermark-zqlite/store').ZqliteOptions} options
 * @returns {Promise<OpenStore>}
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
 * @param {Place} place
 * @returns {Promise<OpenStore>}
 */
async function onNats(place) {
    const { label, url, replicas } = place;
    const connection = await connectTo(place);
    const store = await openOnNats({ connection, bucket: BUCKET, replicas });
    const other = await openOnNats({ servers: [url], bucket: BUCKET, replicas });
    await store.resumeTokens.provision(SHARDS);
    if (replicas > 1) {
        await leadFromHere(connection, BUCKET);
    }
    const close = async () => {
        await other.close();
        await store.close();
        await removeBucket(connection, BUCKET);
        await connection.close();
    };
    return { label, store, other, close };
}
