import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

import { freePorts } from './free-ports.js';
import type { Guardian } from './guardian.js';

/** A PostgreSQL that is running. */
export interface Postgres {
    readonly url: string;
    /** Runs statements of SQL. */
    execute(sql: string): Promise<void>;
    stop(): Promise<void>;
}

/** Fast and forgetful: nothing in it is kept. */
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

/** What is run of PostgreSQL. */
const PROGRAMS = ['initdb', 'postgres', 'psql'] as const;

/**
 * Starts PostgreSQL for zero-cache's own databases, on a free port of 127.0.0.1, and as another user where this one is root.
 *
 * @param programs the folder of `initdb`, `postgres` and `psql`; see {@link findPostgres}
 */
export async function startPostgres(guardian: Guardian, programs: string): Promise<Postgres> {
    const user = userToRunAs();
    const folder = join(guardian.folder, 'postgres');
    mkdirSync(folder);
    if (user !== undefined) {
        chownSync(folder, user.uid, user.gid);
    }
    const data = join(folder, 'data');
    const options = { ...user, cwd: folder, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } };
    const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
    await guardian.run(join(programs, 'initdb'), initdb, options);
    const [port = 0] = await freePorts(1);
    const settings = Object.entries({ ...SETTINGS, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawn(join(programs, 'postgres'), ['-D', data, ...settings], {
        ...options,
        detached: true,
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
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    return {
        url,
        async execute(sql) {
            await guardian.run(join(programs, 'psql'), ['-X', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql], options);
        },
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

/**
 * The folder of `initdb`, `postgres` and `psql`. Debian keeps them outside PATH, in a folder for each version.
 *
 * @param folder looked at alone when it is named; default: the environment variable POSTGRES_BIN, if it is set
 * @throws {Error} when they are not there, saying how to get them
 */
export function findPostgres(folder = process.env['POSTGRES_BIN'] ?? ''): string {
    const debian = '/usr/lib/postgresql';
    const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
    const usual = [
        ...versions.map(version => join(debian, version, 'bin')),
        ...(process.env['PATH'] ?? '').split(delimiter).filter(name => name !== '')
    ];
    const found = (folder === '' ? usual : [folder]).find(name =>
        PROGRAMS.every(program => existsSync(join(name, program)))
    );
    if (found === undefined) {
        const where = folder === '' ? `on PATH or in ${debian}` : `in ${folder}`;
        throw new Error(
            `zero-cache keeps its own data in PostgreSQL, and there are no programs initdb, postgres and psql ${where}. ` +
                'Install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql), or set ' +
                'POSTGRES_BIN to the folder of the three programs.'
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
