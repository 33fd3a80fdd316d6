// @ts-check
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { onInterrupt } from './processes.mjs';

const HEARTBEAT_MS = 5_000;
const SILENT_MS = 30_000;
const ORPHAN_MS = 300_000;
const POLL_MS = 200;

/**
 * Who holds the lock. `child` is the program it runs just now: an `npm ci` outlives a setup that was killed, and a
 * second one beside it would ruin node_modules.
 *
 * @typedef {{ pid: number, host: string, child?: number }} Holder
 */

/**
 * @param {Holder | undefined} holder `undefined`: the file is being written or is damaged
 * @param {number} silentMs since the holder's last sign of life
 * @param {string} host
 * @param {(pid: number) => boolean} isAlive
 */
export function isAbandoned(holder, silentMs, host, isAlive) {
    if (!holder || holder.host !== host) {
        return silentMs > SILENT_MS;
    }
    if (isAlive(holder.pid)) {
        return false;
    }
    return holder.child === undefined || !isAlive(holder.child) || silentMs > ORPHAN_MS;
}

/** @param {number} pid */
export function isProcessAlive(pid) {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
    }
}

/**
 * Runs `work` while no other setup on the same working copy does. The lock of a setup that died is taken over.
 *
 * @template T
 * @param {string} file
 * @param {{ onWait: (holder: Holder | undefined) => void }} events
 * @param {(noteChild: (pid: number) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, { onWait }, work) {
    mkdirSync(dirname(file), { recursive: true });
    /** @type {Holder} */
    const self = { pid: process.pid, host: hostname() };
    let waiting = false;
    while (!tryAcquire(file, self)) {
        const holder = readHolder(file);
        if (isAbandoned(holder, silentMs(file), self.host, isProcessAlive)) {
            removeAbandoned(file, holder);
            continue;
        }
        if (!waiting) {
            waiting = true;
            onWait(holder);
        }
        await delay(POLL_MS);
    }
    const release = () => rmSync(file, { force: true });
    const forget = onInterrupt(release);
    const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS);
    try {
        return await work(child => writeFileSync(file, JSON.stringify({ ...self, child })));
    } finally {
        clearInterval(heartbeat);
        forget();
        release();
    }
}

/**
 * @param {string} file
 * @param {Holder} self
 */
function tryAcquire(file, self) {
    try {
        writeFileSync(file, JSON.stringify(self), { flag: 'wx' });
        return true;
    } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') {
            return false;
        }
        throw error;
    }
}

/**
 * @param {string} file
 * @returns {Holder | undefined}
 */
function readHolder(file) {
    try {
        return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
        return undefined;
    }
}

/** @param {string} file */
function silentMs(file) {
    return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

/** @param {string} file */
function touch(file) {
    try {
        utimesSync(file, new Date(), new Date());
    } catch {
        // Somebody removed the whole cache folder; the work in hand will say so if that matters.
    }
}

/**
 * Several waiters may see the same dead holder. Renaming lets one of them win; one that comes late and moves away the
 * winner's new lock notices by its content and puts it back.
 *
 * @param {string} file
 * @param {Holder | undefined} expected
 */
function removeAbandoned(file, expected) {
    const aside = `${file}.${process.pid}`;
    try {
        renameSync(file, aside);
    } catch {
        return;
    }
    if (JSON.stringify(readHolder(aside)) === JSON.stringify(expected)) {
        rmSync(aside, { force: true });
    } else {
        renameSync(aside, file);
    }
}
