// @ts-check
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { say, SetupError } from './setup/console.mjs';
import { removeLeftovers } from './setup/files.mjs';
import { USAGE } from './setup/help.mjs';
import { withLock } from './setup/lock.mjs';
import { cacheFolder, fetchServer, findServers, recordServers } from './setup/nats.mjs';
import { installDependencies, reasonToInstall } from './setup/npm.mjs';
import { exitCleanlyOnSignals } from './setup/processes.mjs';
import { isAtLeast } from './setup/versions.mjs';

/** @typedef {import('./setup/versions.mjs').Role} Role */

const MINIMUM_NODE = '20.19.0';
/** @type {Record<string, readonly Role[]>} */
const CHOICES = { newest: ['newest'], oldest: ['oldest'], all: ['newest', 'oldest'], none: [] };

/**
 * @param {readonly string[]} args
 * @returns {readonly Role[] | 'help'}
 */
function parseArguments(args) {
    try {
        const options = /** @type {const} */ ({
            nats: { type: 'string', default: 'newest' },
            help: { type: 'boolean' }
        });
        const { values } = parseArgs({ args: [...args], options });
        const roles = CHOICES[values.nats];
        if (!values.help && !roles) {
            throw new Error(`--nats ${values.nats}: expected newest, oldest, all or none`);
        }
        return values.help ? 'help' : (roles ?? []);
    } catch (error) {
        throw new SetupError(`${/** @type {Error} */ (error).message}\n\n${USAGE}`);
    }
}

/**
 * What is missing on this working copy for the roles. Without anything missing this is all that a setup does.
 *
 * @param {string} root
 * @param {readonly Role[]} roles
 */
async function inspect(root, roles) {
    const { servers, notes } = roles.length > 0 ? await findServers(root) : { servers: {}, notes: [] };
    const missing = roles.filter(role => !servers[role]);
    const reason = reasonToInstall(root);
    return { servers, notes, missing, reason, isReady: missing.length === 0 && reason === undefined };
}

/**
 * @param {string} root
 * @param {readonly Role[]} roles
 */
async function setUp(root, roles) {
    if (!isAtLeast(process.versions.node, MINIMUM_NODE)) {
        throw new SetupError(`this is Node.js ${process.versions.node}, and ${MINIMUM_NODE} or newer is needed.`);
    }
    if (!existsSync(join(root, 'package.json'))) {
        throw new SetupError(
            `there is no package.json in ${root}; the scripts folder has to be inside the repository.`
        );
    }
    let state = await inspect(root, roles);
    if (!state.isReady) {
        const onWait = (/** @type {{ pid: number } | undefined} */ holder) =>
            say(`waiting for another setup on this working copy${holder ? ` (process ${holder.pid})` : ''} ...`);
        state = await withLock(join(cacheFolder(root), 'setup.lock'), { onWait }, async noteChild => {
            removeLeftovers(cacheFolder(root));
            const { reason, missing, notes, servers } = await inspect(root, roles);
            if (reason !== undefined) {
                await installDependencies(root, { reason, onStart: noteChild });
            }
            notes.forEach(say);
            for (const role of missing) {
                servers[role] = await fetchServer(root, role, notes);
            }
            return inspect(root, roles);
        });
    }
    if (roles.length > 0) {
        recordServers(root, state.servers);
    }
}

exitCleanlyOnSignals();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
try {
    const roles = parseArguments(process.argv.slice(2));
    if (roles === 'help') {
        process.stdout.write(`${USAGE}\n`);
    } else {
        await setUp(root, roles);
    }
} catch (error) {
    say(error instanceof SetupError ? error.message : describeFault(/** @type {NodeJS.ErrnoException} */ (error)));
    process.exitCode = 1;
}

/** @param {NodeJS.ErrnoException} fault */
function describeFault({ message, code, path }) {
    if (code === undefined || path === undefined) {
        return `it failed: ${message}`;
    }
    return `it failed on ${relative(root, path) || path} (${code}).
  It has to read and write the repository's folders node_modules and .cache: see that this user may, and that there is
  room on the disk, then run this again.`;
}
