import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

import { freePorts } from './free-ports.js';
import type { Guardian } from './guardian.js';

/** A PostgreSQL of this test. */
export interface Postgres {
    readonly url: string;
    stop(): Promise<void>;
}

/** Fast and forgetful: nothing in it outlives the test. */
const SETTINGS = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '32MB',
    max_connections: '60',
    autovacuum: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0'
};

/**
 * Starts PostgreSQL for zero-cache's own databases: from the machine's binaries, on a free port of 127.0.0.1, and as
 * another user where this one is root.
 *
 * @throws {Error} when there are no binaries, saying how to get them
 */
export async function startPostgres(guardian: Guardian): Promise<Postgres> {
    const binaries = findBinaries();
    const user = userToRunAs();
    const folder = join(guardian.folder, 'postgres');
    mkdirSync(folder);
    if (user !== undefined) {
        chownSync(folder, user.uid, user.gid);
    }
    const data = join(folder, 'data');
    const options = { ...user, cwd: folder, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } };
    const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
    execFileSync(join(binaries, 'initdb'), initdb, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    const [port = 0] = await freePorts(1);
    const settings = Object.entries({ ...SETTINGS, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawn(join(binaries, 'postgres'), ['-D', data, ...settings], {
        ...options,
        stdio: ['ignore', 'ignore', 'pipe']
    });
    guardian.watch(server);
    const lines: string[] = [];
    await new Promise<void>((resolve, reject) => {
        createInterface({ input: server.stderr }).on('line', line => {
            lines.push(line);
            if (line.includes('ready to accept connections')) {
                resolve();
            }
        });
        server.once('error', reject);
        server.once('exit', code => reject(new Error(`PostgreSQL ended with code ${code}:\n${lines.join('\n')}`)));
    });
    return {
        url: `postgres://postgres@127.0.0.1:${port}/postgres`,
        async stop() {
            if (server.exitCode === null && server.signalCode === null) {
                const exit = once(server, 'exit');
                // Its fast shutdown; SIGTERM would wait for its clients to leave.
                server.kill('SIGINT');
                await exit;
            }
        }
    };
}

/** The folder with `initdb` and `postgres`; Debian keeps them outside PATH, in a folder for each version. */
function findBinaries(): string {
    const debian = '/usr/lib/postgresql';
    const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
    const folders = [
        process.env['POSTGRES_BIN'] ?? '',
        ...versions.map(version => join(debian, version, 'bin')),
        ...(process.env['PATH'] ?? '').split(delimiter)
    ];
    const found = folders.find(
        folder => folder !== '' && existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))
    );
    if (found === undefined) {
        throw new Error(
            'The test with the real zero-cache needs PostgreSQL, where zero-cache keeps its own data, and found no initdb ' +
                'and postgres on PATH or in /usr/lib/postgresql. Install it (Debian, Ubuntu: apt-get install postgresql; ' +
                'macOS: brew install postgresql), or set POSTGRES_BIN to the folder that holds the two programs.'
        );
    }
    return found;
}

/** PostgreSQL refuses to run as root. */
function userToRunAs(): { uid: number; gid: number } | undefined {
    if (process.getuid?.() !== 0) {
        return undefined;
    }
    for (const name of ['postgres', 'nobody']) {
        try {
            const id = (flag: string) =>
                Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
            return { uid: id('-u'), gid: id('-g') };
        } catch {
            // There is no such user here.
        }
    }
    throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it as.');
}
