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
}

/**
 * Finds the Node to run zero-cache with: this one, or 24 from npm where this one is too old.
 *
 * Where that can't be fetched it is this one all the same: zero-cache was seen to work with Node 20.
 *
 * @param tell is told of what takes time, and of what could not be had and how to mend it
 */
export async function nodeForZeroCache(guardian: Guardian, tell: (message: string) => void): Promise<NodeForZeroCache> {
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
            tell(`fetching Node ${FETCHED} for zero-cache from npm, once`);
            await fetchInto(guardian, folder, `${name}@${FETCHED}`);
        }
        await guardian.run(path, ['--version']);
        return { path, version: FETCHED };
    } catch (error) {
        guardian.signal?.throwIfAborted();
        const [problem, reason] = error instanceof Error ? error.message.split('\n') : [];
        tell(
            `zero-cache supports Node ${OLDEST_MAJOR} and newer, and there is none (${problem} ${reason}), so it runs on Node ` +
                `${running.version}. Use Node ${OLDEST_MAJOR} or newer, or let npm reach its registry.`
        );
        return running;
    }
}

/** A folder that is there is complete. */
async function fetchInto(guardian: Guardian, folder: string, name: string): Promise<void> {
    const partial = `${folder}.${process.pid}`;
    try {
        mkdirSync(partial, { recursive: true });
        const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'];
        await guardian.run('npm', ['install', '--prefix', partial, ...quiet, name], {
            cwd: partial,
            timeout: FETCH_MS
        });
        renameSync(partial, folder);
    } finally {
        rmSync(partial, { recursive: true, force: true });
    }
}
