// @ts-check
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openWatermarkStore as openOnSqlite } from '@cbnsndwch/zero-watermark-zqlite/store';

import { bucketsOf, openLean, openRaw, openStore } from '../shared/nats-clients.mjs';
import { serverFolder } from './system.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkService} WatermarkService */
/** @typedef {import('./system.mjs').SystemKind} SystemKind */
/** @typedef {import('./system.mjs').System} System */

/**
 * `set` and `get` on a server of NATS.
 *
 * @param {'always' | 'default'} syncInterval
 * @returns {SystemKind}
 */
export function nats(syncInterval) {
    return {
        name: `NATS, sync_interval ${syncInterval}`,
        isDurable: syncInterval === 'always',
        async open({ places }, use) {
            const place = await places.get(syncInterval === 'always' ? 'single-always' : 'single');
            if (place === undefined) {
                return undefined;
            }
            use(await bucketsOf(place, ['systems']));
            const { watermarks } = use(await openStore(place, 'systems'));
            return { version: place.version, processorMicros: place.processorMicros, ...systemOf(watermarks) };
        }
    };
}

/**
 * What the same server stores for the {@link import('../shared/lean-publisher.mjs').LeanPublisher}: whatever is missing to
 * other systems here, no client can add.
 *
 * @type {SystemKind}
 */
export const leanNats = {
    name: 'NATS, sync_interval always: lean publisher',
    isDurable: true,
    async open({ places }, use) {
        const place = await places.get('single-always');
        if (place === undefined) {
            return undefined;
        }
        use(await bucketsOf(place, ['systems-lean']));
        use(await openRaw(place, 'systems-lean'));
        const { lean } = use(await openLean(place));
        return {
            version: place.version,
            processorMicros: place.processorMicros,
            set: (key, record) => lean.publish(`$KV.systems-lean.${key}`, Buffer.from(record))
        };
    }
};

/**
 * @param {'full' | 'normal'} synchronous
 * @returns {SystemKind}
 */
export function sqlite(synchronous) {
    return {
        name: `SQLite, synchronous ${synchronous.toUpperCase()}`,
        isDurable: synchronous === 'full',
        async open(context, use) {
            const database = join(await serverFolder(context), 'watermarks.db');
            return systemOf(use(await openOnSqlite({ database, synchronous })).watermarks);
        }
    };
}

/**
 * The disk alone: a record is appended to a file and synced, one after the other. Who does more than that a second has
 * several records share a sync.
 *
 * @type {SystemKind}
 */
export const disk = {
    name: 'the disk: append and sync each',
    isDurable: true,
    async open(context, use) {
        const file = use(await openFile(join(await serverFolder(context), 'appended'), 'a+'));
        let last = Promise.resolve();
        return {
            set: (_, record) => {
                last = last.then(async () => {
                    await file.write(record);
                    await file.datasync();
                });
                return last;
            }
        };
    }
};

/**
 * @param {WatermarkService} watermarks
 * @returns {System}
 */
function systemOf(watermarks) {
    return { set: (key, record) => watermarks.set(key, record), get: key => watermarks.get(key) };
}
