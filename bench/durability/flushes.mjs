// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { newTokens } from '../shared/tokens.mjs';
import { openSynced } from './open.mjs';

/** @typedef {{ replicas: number, sync: string, what: string, flushes: number }} Flushes */

/** How the servers are told to flush; `undefined` is their own default. */
const SYNCS = /** @type {const} */ ([undefined, 1_000, 'always']);

/** Longer than the shortest interval but one, so that it shows. */
const SETTLE_MS = 1_500;

/**
 * How often the servers flush to their disks while something is written and for a moment after. It is counted at the
 * border to the system, by strace.
 *
 * @param {(line: string) => void} say
 * @returns {Promise<Flushes[] | undefined>} `undefined` where strace is missing or may not look at processes
 */
export async function countFlushes(say) {
    /** @type {Flushes[]} */
    const all = [];
    for (const replicas of /** @type {const} */ ([1, 3])) {
        for (const syncInterval of SYNCS) {
            const opened = await openSynced(replicas, syncInterval);
            try {
                for (const { what, write } of writesOf(opened.store)) {
                    const flushes = await flushesDuring(opened.pids, write);
                    if (flushes === undefined) {
                        say('strace is not there, or may not look at the servers: flushes are not counted');
                        return undefined;
                    }
                    const sync = syncInterval === undefined ? 'default' : String(syncInterval);
                    all.push({ replicas, sync, what, flushes });
                    say(`${replicas} replicas, sync_interval ${sync}, ${what}: ${flushes} flushes`);
                }
            } finally {
                await opened.close();
            }
        }
    }
    return all;
}

/** @param {import('./open.mjs').WatermarkStore} store */
function writesOf({ watermarks, resumeTokens }) {
    const { many } = newTokens('f');
    return [
        {
            what: '100 times `set`',
            write: async () => {
                for (let index = 0; index < 100; index += 1) {
                    await watermarks.set(`orders.${index}`, 'v1');
                }
            }
        },
        {
            what: '1,000 tokens in one call',
            write: async () => void (await resumeTokens.getOrCreateWatermarks('shard', many(1_000)))
        }
    ];
}

/**
 * @param {readonly number[]} pids
 * @param {() => Promise<void>} write
 * @returns {Promise<number | undefined>}
 */
async function flushesDuring(pids, write) {
    const watches = await Promise.all(pids.map(watchFlushes));
    try {
        if (!watches.every(({ isWatching }) => isWatching)) {
            return undefined;
        }
        // What was written before is not to be counted.
        await sleep(SETTLE_MS);
        const before = watches.map(({ count }) => count());
        await write();
        await sleep(SETTLE_MS);
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
