// @ts-check
import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** @typedef {import('../shared/section.mjs').Context} Context */
/** @typedef {import('../shared/using.mjs').Use} Use */
/**
 * A system that is ready: a record is written under a key, and read, as a user of that system would. `get`: where there is
 * something to read. `processorMicros`: of its servers, where it can be told.
 *
 * @typedef {{ version?: string, set: (key: string, record: string) => Promise<unknown>,
 *     get?: (key: string) => Promise<unknown>, processorMicros?: (() => number) | undefined }} System
 */
/**
 * A system with one of its settings. `isDurable`: what it has acknowledged is on the disk.
 *
 * @typedef {{ name: string, isDurable: boolean, open: (context: Context, use: Use) => Promise<System | undefined> }} SystemKind
 */

export const run = promisify(execFile);

/**
 * A folder for a server, on the disk that all measurements share.
 *
 * @param {Context} context
 */
export function serverFolder({ folder }) {
    return mkdtemp(join(folder, 'server-'));
}

/**
 * @param {string} program
 * @param {NodeJS.ProcessEnv} [env]
 */
export async function versionOf(program, env = process.env) {
    const { stdout } = await run(program, ['--version'], { env });
    return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'unknown';
}

/** @returns {Promise<number>} */
export function freePort() {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
        });
    });
}
