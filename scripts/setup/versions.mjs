// @ts-check
import { run } from './processes.mjs';

/**
 * The two servers that the tests and the demo run on.
 *
 * `existing` says which server that is already on the machine will do, `fetched` which one is worth keeping after a
 * download: the newest one has to show what 2.12 added, the oldest one has to be of the oldest supported series.
 *
 * @typedef {'newest' | 'oldest'} Role
 * @typedef {{ existing: (version: string) => boolean, fetched: (version: string) => boolean, wanted: string,
 *     suites: readonly string[] }} Requirement
 */

/** @type {Record<Role, Requirement>} */
export const REQUIREMENTS = {
    newest: {
        existing: version => isAtLeast(version, '2.10.0'),
        fetched: version => isAtLeast(version, '2.12.0'),
        wanted: '2.10 or newer',
        suites: ['forky', 'sid']
    },
    oldest: {
        existing: version => version.startsWith('2.10.'),
        fetched: version => version.startsWith('2.10.'),
        wanted: '2.10.x, the oldest supported series',
        suites: ['trixie']
    }
};

/**
 * Reads the output of `nats-server --version`.
 *
 * @param {string} output
 * @returns {string | undefined}
 */
export function parseVersion(output) {
    return /nats-server:? v?(\d+\.\d+\.\d+)/.exec(output)?.[1];
}

/**
 * @param {string} left
 * @param {string} right
 */
export function compareVersions(left, right) {
    const [a, b] = [left, right].map(version => version.split('.').map(Number));
    for (let i = 0; i < 3; i++) {
        const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
        if (difference !== 0) {
            return difference;
        }
    }
    return 0;
}

/**
 * @param {string} version
 * @param {string} minimum
 */
export function isAtLeast(version, minimum) {
    return compareVersions(version, minimum) >= 0;
}

/**
 * Runs a nats-server binary to learn its version, which also proves that it runs on this machine.
 *
 * @param {string} path
 * @returns {Promise<{ version: string } | { problem: string }>}
 */
export async function probe(path) {
    try {
        const { code, timedOut, stdout, stderr } = await run(path, ['--version'], { timeoutMs: 10_000 });
        const version = parseVersion(stdout);
        if (version !== undefined) {
            return { version };
        }
        const said = (stderr || stdout).trim().split('\n')[0] || (timedOut ? 'no answer in 10 s' : `exit code ${code}`);
        return { problem: `it is no working nats-server (--version gave: ${said.slice(0, 200)})` };
    } catch (error) {
        const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
        return { problem: code === 'ENOENT' ? 'there is no such file' : `it can't be run (${code ?? message})` };
    }
}
