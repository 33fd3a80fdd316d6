// @ts-check
import { mkdirSync, readdirSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import process from 'node:process';
import { fetchWithApt } from './apt.mjs';
import { say, SetupError } from './console.mjs';
import { isExecutable, moveIntoCache, programsOnPath, withTemporaryFolder, writeFileAtomically } from './files.mjs';
import { installHelp } from './help.mjs';
import { fetchRelease } from './release.mjs';
import { compareVersions, probe, REQUIREMENTS } from './versions.mjs';

/** @typedef {import('./versions.mjs').Role} Role */
/** @typedef {{ path: string, version: string }} Server */
/** @typedef {{ servers: Partial<Record<Role, Server>>, notes: string[] }} Findings */
/** @typedef {(binary: string) => Promise<string | undefined>} Check says what is wrong with a binary */
/** @typedef {{ label: string, fetch: (role: Role, dir: string, check: Check) => Promise<{ binary: string } | { problem: string }> }} Source */

/** @type {readonly Source[]} */
export const SOURCES = [
    { label: 'apt', fetch: (role, dir, check) => fetchWithApt(REQUIREMENTS[role].suites, dir, check) },
    { label: 'official release', fetch: fetchRelease }
];

const PROGRAM = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
const ROLES = /** @type {const} */ (['newest', 'oldest']);

/** @param {string} root */
export function cacheFolder(root) {
    return join(root, '.cache');
}

/**
 * The servers that are on this machine already, for each role the first that will do: NATS_SERVER_BIN, PATH, cache.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Findings>}
 * @throws {SetupError} NATS_SERVER_BIN is set and of no use
 */
export async function findServers(root, env = process.env) {
    /** @type {string[]} */
    const notes = [];
    const chosen = env['NATS_SERVER_BIN'] ? await serverOfUser(resolve(env['NATS_SERVER_BIN'])) : undefined;
    const installed = chosen ? [chosen] : await serversOnPath(env, notes);
    const cached = serversInCache(root);
    /** @type {Findings['servers']} */
    const servers = {};
    for (const role of ROLES) {
        const { existing, fetched } = REQUIREMENTS[role];
        const server =
            installed.find(({ version }) => existing(version)) ?? cached.find(({ version }) => fetched(version));
        if (server) {
            servers[role] = server;
        }
    }
    return { servers, notes };
}

/**
 * @param {string} path
 * @returns {Promise<Server>}
 */
async function serverOfUser(path) {
    const { existing, wanted } = REQUIREMENTS.newest;
    const result = await probe(path);
    const problem = 'problem' in result ? result.problem : existing(result.version) ? '' : `it is ${result.version}`;
    if ('version' in result && !problem) {
        return { path, version: result.version };
    }
    throw new SetupError(`NATS_SERVER_BIN is ${path}, but ${problem}.
  Expected is the path of a nats-server ${wanted}. Set it to one, or unset it to have one found or fetched.`);
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} notes
 * @returns {Promise<Server[]>}
 */
async function serversOnPath(env, notes) {
    const servers = [];
    const programs = programsOnPath('nats-server', env);
    for (const path of programs) {
        const result = await probe(path);
        if ('version' in result && REQUIREMENTS.newest.existing(result.version)) {
            servers.push({ path, version: result.version });
        } else {
            const reason = 'problem' in result ? result.problem : `it is ${result.version}`;
            notes.push(`PATH: ${path} is passed over: ${reason}, and ${REQUIREMENTS.newest.wanted} is needed`);
        }
    }
    return servers;
}

/**
 * The cached servers, newest first. They were run when they were put there, so a look at the file is enough.
 *
 * @param {string} root
 * @returns {Server[]}
 */
function serversInCache(root) {
    const dir = join(cacheFolder(root), 'nats-server');
    try {
        return readdirSync(dir)
            .filter(name => /^\d+\.\d+\.\d+$/.test(name))
            .sort((a, b) => compareVersions(b, a))
            .map(version => ({ version, path: join(dir, version, PROGRAM) }))
            .filter(({ path }) => isExecutable(path));
    } catch {
        return [];
    }
}

/**
 * Fetches a server into the cache from the first source that gives a good one.
 *
 * @param {string} root
 * @param {Role} role
 * @param {readonly string[]} notes what was found and passed over before, for the message
 * @param {readonly Source[]} [sources]
 * @returns {Promise<Server>}
 * @throws {SetupError} no source has one; says why for each, and what to do
 */
export async function fetchServer(root, role, notes, sources = SOURCES) {
    const { fetched, wanted } = REQUIREMENTS[role];
    const place = relative(root, join(cacheFolder(root), 'nats-server'));
    const tried = [...describeSearch(notes), `${place}: none that will do`];
    for (const { label, fetch } of sources) {
        const server = await withTemporaryFolder(cacheFolder(root), async folder => {
            let version = '';
            const result = await fetch(role, emptyFolder(folder, 'fetched'), async binary => {
                const answer = await probe(binary);
                version = 'version' in answer ? answer.version : '';
                return 'problem' in answer ? answer.problem : fetched(version) ? undefined : `it is ${version}`;
            });
            if ('problem' in result) {
                tried.push(`${label}: ${result.problem}`);
                return undefined;
            }
            const home = join(cacheFolder(root), 'nats-server', version);
            moveIntoCache(result.binary, home, PROGRAM);
            return { version, path: join(home, PROGRAM) };
        });
        if (server) {
            say(`nats-server ${server.version} is ready in ${relative(root, server.path)}`);
            return server;
        }
    }
    throw new SetupError(`no nats-server (${wanted}) was found on this machine, and none could be fetched.
  Tried:
${tried.map(line => `    - ${line.replaceAll('\n', '\n      ')}`).join('\n')}
${installHelp(role)}`);
}

/**
 * @param {readonly string[]} notes
 * @param {NodeJS.ProcessEnv} [env]
 */
function describeSearch(notes, env = process.env) {
    if (env['NATS_SERVER_BIN']) {
        return [`NATS_SERVER_BIN: ${env['NATS_SERVER_BIN']} is of another series`];
    }
    return ['NATS_SERVER_BIN: not set', ...(notes.length > 0 ? notes : ['PATH: no nats-server that will do'])];
}

/**
 * @param {string} parent
 * @param {string} name
 */
function emptyFolder(parent, name) {
    const dir = join(parent, name);
    mkdirSync(dir);
    return dir;
}

/**
 * Notes where the servers are, for the tests and the demo: .cache/nats-servers.json, with paths inside the working copy
 * relative to it.
 *
 * @param {string} root
 * @param {Findings['servers']} servers
 */
export function recordServers(root, servers) {
    const entries = Object.entries(servers).map(([role, { path, version }]) => {
        const inside = relative(root, path);
        const isInside = !isAbsolute(inside) && !inside.startsWith('..');
        return [role, { path: isInside ? inside.split(sep).join('/') : path, version }];
    });
    const content = `${JSON.stringify(Object.fromEntries(entries), null, 4)}\n`;
    writeFileAtomically(join(cacheFolder(root), 'nats-servers.json'), content);
}
