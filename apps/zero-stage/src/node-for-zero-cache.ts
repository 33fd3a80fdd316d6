import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Guardian } from './guardian.js';

/** The oldest major version of Node that zero-cache 1.9 supports, and the one that is fetched where this one is older. */
const OLDEST_MAJOR = 22;
const FETCHED = '24.21.0';
const FETCH_MS = 90_000;

/** A Node to run zero-cache with. */
export interface NodeForZeroCache {
    readonly path: string;
    /** Without a leading `v`. */
    readonly version: string;
    /** Set when it is too old for zero-cache: why, and how to mend it. */
    readonly warning?: string;
}

/**
 * Finds the Node to run zero-cache with: this one, or 24 from npm where this one is too old.
 *
 * Where that can't be fetched it is this one all the same, with a warning: zero-cache was seen to work with Node 20.
 */
export async function nodeForZeroCache(guardian: Guardian): Promise<NodeForZeroCache> {
    const running = { path: process.execPath, version: process.versions.node };
    if (Number(running.version.split('.', 1)[0]) >= OLDEST_MAJOR) {
        return running;
    }
    const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
    const cache = fileURLToPath(new URL('../../../.cache/', import.meta.url));
    const folder = join(cache, `node-${FETCHED}`);
    const path = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    try {
        if (!existsSync(path)) {
            await fetchInto(guardian, folder, `${name}@${FETCHED}`);
        }
        await guardian.run(path, ['--version']);
        return { path, version: FETCHED };
    } catch (error) {
        guardian.signal?.throwIfAborted();
        const warning =
            `zero-cache supports Node ${OLDEST_MAJOR} and newer, and ${name}@${FETCHED} could not be fetched from npm, so it ` +
            `runs on Node ${running.version}. Run this with Node ${OLDEST_MAJOR} or newer, or where npm reaches its ` +
            `registry. (${error instanceof Error ? error.message : String(error)})`;
        return { ...running, warning };
    }
}

/** A folder that is there is complete. */
async function fetchInto(guardian: Guardian, folder: string, name: string): Promise<void> {
    const partial = `${folder}.${process.pid}`;
    try {
        mkdirSync(partial, { recursive: true });
        const npm = ['install', '--prefix', partial, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', name];
        await guardian.run('npm', npm, { cwd: partial, timeout: FETCH_MS });
        renameSync(partial, folder);
    } finally {
        rmSync(partial, { recursive: true, force: true });
    }
}
