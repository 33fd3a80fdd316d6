import { dirname, join } from 'node:path';

import type { NatsServer } from '../../src/testing.js';
import { replaceFile } from './auth.js';
import { eventually } from './backends.js';

/** Gives a server another configuration in place of the one that it was started with, while it runs. */
export async function reload(server: NatsServer, config: string): Promise<void> {
    // What the command line said must be in there, or the server takes it for a change that needs a restart.
    const given = `server_name: "${server.name}"\njetstream: { store_dir: "${server.storeDirectory}" }`;
    await configure(server, `${given}\n${config}`);
    const reloads = () => server.logs(100_000).split('Reloaded server configuration').length;
    const before = reloads();
    process.kill(server.pid ?? NaN, 'SIGHUP');
    await eventually('the configuration is read again', () => reloads() > before);
    // At its next start the command line says it, and twice is refused.
    await configure(server, config);
}

/** Gives a server another configuration from its next start on. */
export function configure(server: NatsServer, config: string): Promise<void> {
    return replaceFile(join(dirname(server.logPath), 'options.conf'), config);
}
