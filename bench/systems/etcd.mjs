// @ts-check
import { Etcd3 } from 'etcd3';

import { processorMicrosOf, startServer } from '../shared/processes.mjs';
import { findProgram } from './programs.mjs';
import { freePort, serverFolder, versionOf } from './system.mjs';

/** @type {import('./system.mjs').SystemKind} */
export const etcd = {
    name: 'etcd',
    isDurable: true,
    async open(context, use) {
        const program = findProgram('etcd');
        if (program === undefined) {
            return undefined;
        }
        const folder = await serverFolder(context);
        const [clients, peers] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
        const settings = {
            name: 'bench',
            'data-dir': folder,
            'listen-client-urls': clients,
            'advertise-client-urls': clients,
            'listen-peer-urls': peers,
            'initial-advertise-peer-urls': peers,
            'initial-cluster': `bench=${peers}`
        };
        const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
        const ready = /ready to serve client requests|serving insecure client requests/;
        const server = use(await startServer(program, args, { ready, cwd: folder }));
        const client = new Etcd3({ hosts: clients });
        use({ close: () => client.close() });
        return {
            version: await versionOf(program),
            set: (key, record) => client.put(key).value(record).exec(),
            get: key => client.get(key).string(),
            processorMicros: processorMicrosOf(() => [server.pid])
        };
    }
};
