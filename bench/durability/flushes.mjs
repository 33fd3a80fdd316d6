// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { openStore } from '../shared/nats-clients.mjs';
import { startPlace } from '../shared/servers.mjs';
import { newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkStore} WatermarkStore */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/results.mjs').Row} Row */
/** @typedef {import('../shared/section.mjs').Context} Context */
/** @typedef {import('../shared/servers.mjs').SyncInterval} SyncInterval */
/** @typedef {{ replicas: readonly (1 | 3)[], syncs: readonly (SyncInterval | 'default')[], settleMs: number }} Wanted */

/**
 * How often the servers flush to their disks while something is written and for a moment after. It is counted at the
 * border to the system, by strace.
 *
 * @param {Wanted} wanted
 * @param {Context} context
 * @returns {Promise<Part[]>} nothing where strace is missing or may not look at processes
 */
export async function countFlushes({ replicas, syncs, settleMs }, { skip, say }) {
    /** @type {Row[]} */
    const rows = [];
    for (const count of replicas) {
        /** @type {number[][]} */
        const columns = [];
        for (const sync of syncs) {
            const flushes = await flushesOf(count, sync, settleMs);
            if (flushes === undefined) {
                skip('flushes: strace or the nats-server is not there, or strace may not look at the servers');
                return [];
            }
            say(`${count} replicas, sync_interval ${sync}: ${flushes.join(' and ')} flushes`);
            columns.push(flushes);
        }
        const where = count === 1 ? 'one server' : 'three servers, R3';
        rows.push(
            ...writes.map(({ what }, index) => ({
                name: `${where}, ${what}`,
                cells: columns.map(flushes => flushes[index] ?? null)
            }))
        );
    }
    return [
        {
            kind: 'table',
            name: 'flushes',
            text:
                'How often all servers together flushed (`fsync`, `fdatasync`) from the first write until ' +
                `${settleMs / 1_000} seconds after the last.`,
            heading: '`sync_interval`',
            columns: syncs.map(sync => ({ name: typeof sync === 'number' ? `${sync / 1_000}s` : sync, digits: 0 })),
            rows
        }
    ];
}

/** @type {readonly { what: string, write: (store: WatermarkStore) => Promise<void> }[]} */
const writes = [
    {
        what: '100 times `set`',
        write: async ({ watermarks }) => {
            for (let index = 0; index < 100; index += 1) {
                await watermarks.set(`orders.${index}`, 'v1');
            }
        }
    },
    {
        what: '1,000 tokens in one call',
        write: async ({ resumeTokens }) =>
            void (await resumeTokens.getOrCreateWatermarks('shard', newTokens('f').many(1_000)))
    }
];

/**
 * @param {1 | 3} replicas
 * @param {SyncInterval | 'default'} sync
 * @param {number} settleMs
 * @returns {Promise<number[] | undefined>} for each of the writes
 */
function flushesOf(replicas, sync, settleMs) {
    return using(async use => {
        const place = await startPlace('newest', replicas, sync === 'default' ? {} : { syncInterval: sync });
        if (place === undefined) {
            return undefined;
        }
        use({ close: place.stop });
        const store = use(await openStore(place, 'durability'));
        await store.resumeTokens.provision(['shard']);
        /** @type {number[]} */
        const all = [];
        for (const { write } of writes) {
            const flushes = await flushesDuring(place.pids, settleMs, () => write(store));
            if (flushes === undefined) {
                return undefined;
            }
            all.push(flushes);
        }
        return all;
    });
}

/**
 * @param {readonly number[]} pids
 * @param {number} settleMs
 * @param {() => Promise<void>} write
 * @returns {Promise<number | undefined>}
 */
async function flushesDuring(pids, settleMs, write) {
    const watches = await Promise.all(pids.map(watchFlushes));
    try {
        if (!watches.every(({ isWatching }) => isWatching)) {
            return undefined;
        }
        // What was written before is not to be counted.
        await sleep(settleMs);
        const before = watches.map(({ count }) => count());
        await write();
        await sleep(settleMs);
        return watches.reduce((sum, { count }, index) => sum + count() - (before[index] ?? 0), 0);
    } finally {
        await Promise.all(watches.map(({ stop }) => stop()));
    }
}

/** @param {number} pid */
async function watchFlushes(pid) {
    const args = ['-f', '-e', 'trace=fsync,fdatasync', '-p', String(pid)];
    const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(strace, 'close').catch(() => {});
    let output = '';
    strace.stderr.on('data', chunk => (output += String(chunk)));
    const isWatching = await Promise.race([once(strace.stderr, 'data').then(() => true), ended.then(() => false)]);
    return {
        // The first that it says is that it is attached, or why it cannot be.
        isWatching: isWatching && /attached/.test(output),
        count: () => output.match(/\bf(data)?sync\(/g)?.length ?? 0,
        stop: async () => {
            // It may wait for ever for a thread to let go of; the system lets go of all when it is gone.
            strace.kill('SIGKILL');
            await ended;
        }
    };
}
