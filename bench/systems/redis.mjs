// @ts-check
import { Redis } from 'ioredis';

import { processorMicrosOf, startServer } from '../shared/processes.mjs';
import { environment, findProgram } from './programs.mjs';
import { freePort, serverFolder, versionOf } from './system.mjs';

/**
 * @param {'always' | 'everysec'} appendfsync
 * @returns {import('./system.mjs').SystemKind}
 */
export function redis(appendfsync) {
    return {
        name: `Redis, AOF ${appendfsync}`,
        isDurable: appendfsync === 'always',
        async open(context, use) {
            const program = findProgram('redis-server');
            if (program === undefined) {
                return undefined;
            }
            const [port, dir, env] = [await freePort(), await serverFolder(context), environment()];
            const settings = {
                port,
                bind: '127.0.0.1',
                dir,
                appendonly: 'yes',
                appendfsync,
                save: '',
                daemonize: 'no'
            };
            const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
            const ready = /Ready to accept connections/;
            const server = use(await startServer(program, args, { ready, cwd: dir, env }));
            const client = new Redis({ port, host: '127.0.0.1', enableAutoPipelining: true });
            use({ close: () => client.quit() });
            return {
                version: await versionOf(program, env),
                set: (key, record) => client.set(key, record),
                get: key => client.get(key),
                processorMicros: processorMicrosOf(() => [server.pid])
            };
        }
    };
}
