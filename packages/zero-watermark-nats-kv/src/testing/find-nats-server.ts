import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { NatsServerError } from './errors.js';
import { isSupported, OLDEST_VERSION, parseVersion } from './server-version.js';

/** A nats-server binary that can be run. */
export interface FoundNatsServer {
    readonly path: string;
    /** For example `2.15.1`. */
    readonly version: string;
}

const run = promisify(execFile);

/** Package managers put servers into folders that the PATH of an ordinary user often leaves out. */
const USUAL_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/opt/homebrew/bin'];

const HOW_TO_GET_ONE = [
    `Install nats-server ${OLDEST_VERSION} or newer, or set NATS_SERVER_BIN to the path of one:`,
    '  macOS           brew install nats-server',
    '  Debian, Ubuntu  apt-get install nats-server',
    '  Go              go install github.com/nats-io/nats-server/v2@latest',
    '  any             unpack a release of github.com/nats-io/nats-server',
    'A container does not do here: the tests kill, pause and restart the process itself.'
].join('\n');

/**
 * Finds the nats-server that the test servers run.
 *
 * @param options `binary`: a path, or a name to look for on the PATH; default `NATS_SERVER_BIN`, then `nats-server`
 * @throws {NatsServerError} `ERR_NATS_SERVER_NOT_FOUND`, saying where it was looked for and how to get one, or
 *   `ERR_NATS_SERVER_TOO_OLD`
 */
export async function findNatsServer(options: { readonly binary?: string } = {}): Promise<FoundNatsServer> {
    const { wanted, origin } = request(options.binary);
    const candidates = candidatePaths(wanted);
    for (const path of candidates) {
        if (await isExecutable(path)) {
            return { path, version: await supportedVersion(path) };
        }
    }
    const looked = candidates.map(path => `  ${path}`).join('\n');
    throw new NatsServerError(
        'ERR_NATS_SERVER_NOT_FOUND',
        `No nats-server found. Looked, because of ${origin}, for an executable file at\n${looked}\n${HOW_TO_GET_ONE}`
    );
}

function request(binary: string | undefined): { wanted: string; origin: string } {
    if (binary !== undefined) {
        return { wanted: binary, origin: 'the option binary' };
    }
    const fromEnvironment = process.env['NATS_SERVER_BIN'];
    if (fromEnvironment) {
        return { wanted: fromEnvironment, origin: 'NATS_SERVER_BIN' };
    }
    return { wanted: 'nats-server', origin: 'the PATH (NATS_SERVER_BIN is not set)' };
}

function candidatePaths(wanted: string): string[] {
    if (wanted.includes('/') || wanted.includes(sep)) {
        return [resolve(wanted)];
    }
    const onPath = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '');
    return [...new Set([...onPath, ...USUAL_FOLDERS])].map(folder => join(folder, wanted));
}

async function isExecutable(path: string): Promise<boolean> {
    try {
        await access(path, constants.X_OK);
        return (await stat(path)).isFile();
    } catch {
        return false;
    }
}

/** Asking a binary takes as long as a good part of a server's start, so it is asked once while the file is the same. */
const versions = new Map<string, Promise<string>>();

async function supportedVersion(path: string): Promise<string> {
    const { mtimeMs, size } = await stat(path);
    const file = `${path}\0${mtimeMs}\0${size}`;
    let version = versions.get(file);
    if (!version) {
        version = askVersion(path);
        versions.set(file, version);
        version.catch(() => versions.delete(file));
    }
    return version;
}

async function askVersion(path: string): Promise<string> {
    let output: string;
    try {
        output = (await run(path, ['--version'], { timeout: 10_000 })).stdout;
    } catch (cause) {
        throw new NatsServerError(
            'ERR_NATS_SERVER_NOT_FOUND',
            `${path} is there, but \`--version\` did not work: ${(cause as Error).message.trim()}\n${HOW_TO_GET_ONE}`,
            { cause }
        );
    }
    const version = parseVersion(output);
    if (!version) {
        throw new NatsServerError(
            'ERR_NATS_SERVER_NOT_FOUND',
            `${path} is not a nats-server: expected \`nats-server: v2...\` from \`--version\`, ` +
                `got ${JSON.stringify(output.slice(0, 100))}\n${HOW_TO_GET_ONE}`
        );
    }
    if (!isSupported(version)) {
        throw new NatsServerError(
            'ERR_NATS_SERVER_TOO_OLD',
            `${path} is nats-server ${version}, which is too old: ${OLDEST_VERSION} or newer is needed.\n${HOW_TO_GET_ONE}`
        );
    }
    return version;
}
