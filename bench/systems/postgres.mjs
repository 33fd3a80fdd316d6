// @ts-check
import { chmod, chown, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { Pool } from 'pg';

import { startServer } from '../shared/processes.mjs';
import { findProgram } from './programs.mjs';
import { freePort, run, serverFolder, versionOf } from './system.mjs';

/** Writes of so many connections share the syncs of the disk. */
const CONNECTIONS = 64;

const TABLE =
    'CREATE TABLE watermarks (key text PRIMARY KEY, record json NOT NULL, revision bigint NOT NULL, stored timestamptz NOT NULL)';
const UPSERT = {
    name: 'upsert',
    text:
        'INSERT INTO watermarks VALUES ($1, $2, 1, now()) ON CONFLICT (key) DO UPDATE ' +
        'SET record = $2, revision = watermarks.revision + 1, stored = now() RETURNING revision'
};
const SELECT = { name: 'select', text: 'SELECT record, revision, stored FROM watermarks WHERE key = $1' };

/**
 * The processor time of its servers is not told: each connection has a process of its own.
 *
 * @param {'on' | 'off'} synchronousCommit
 * @returns {import('./system.mjs').SystemKind}
 */
export function postgres(synchronousCommit) {
    return {
        name: `PostgreSQL, synchronous_commit ${synchronousCommit}`,
        isDurable: synchronousCommit === 'on',
        async open(context, use) {
            const [initdb, program] = [findProgram('initdb'), findProgram('postgres')];
            if (initdb === undefined || program === undefined) {
                return undefined;
            }
            const [folder, port, user] = [await serverFolder(context), await freePort(), await userToRunAs()];
            const data = join(folder, 'data');
            await mkdir(data);
            if (user !== undefined) {
                await chown(data, user.uid, user.gid);
                await Promise.all([folder, dirname(folder)].map(path => chmod(path, 0o711)));
            }
            const options = { ...user, cwd: data, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } };
            const how = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
            await run(initdb, ['-D', data, ...how], options);
            const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', port };
            const args = Object.entries({ ...settings, synchronous_commit: synchronousCommit });
            use(
                await startServer(
                    program,
                    ['-D', data, ...args.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
                    {
                        ready: /ready to accept connections/,
                        cwd: data,
                        env: options.env,
                        user
                    }
                )
            );
            const pool = new Pool({ host: '127.0.0.1', port, user: 'postgres', max: CONNECTIONS });
            use({ close: () => pool.end() });
            await pool.query(TABLE);
            return {
                version: await versionOf(program),
                set: (key, record) => pool.query({ ...UPSERT, values: [key, record] }),
                get: async key => (await pool.query({ ...SELECT, values: [key] })).rows[0]
            };
        }
    };
}

/** PostgreSQL refuses to run as root. */
async function userToRunAs() {
    if (process.getuid?.() !== 0) {
        return undefined;
    }
    const id = async (/** @type {string} */ flag) => Number((await run('id', [flag, 'nobody'])).stdout);
    return { uid: await id('-u'), gid: await id('-g') };
}
