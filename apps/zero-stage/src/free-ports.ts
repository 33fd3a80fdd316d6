import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below all ports that systems give to outgoing connections (Linux from 32768, others from 49152). One of those may be
 * taken by any program in the moment in which a killed process is started again on its port; zero-cache ends then.
 */
const LOWEST = 10_240;
const HIGHEST = 32_767;

/**
 * Ports that were free a moment ago, all different.
 *
 * zero-cache listens on `::`, that is on all addresses, and can't be told otherwise, so that is where they are free.
 */
export async function freePorts(count: number): Promise<number[]> {
    const holders = new Map<number, Server>();
    try {
        while (holders.size < count) {
            const port = randomInt(LOWEST, HIGHEST + 1);
            const holder = await hold(port);
            if (holder !== undefined) {
                holders.set(port, holder);
            }
        }
        return [...holders.keys()];
    } finally {
        await Promise.all([...holders.values()].map(holder => new Promise(resolve => holder.close(resolve))));
    }
}

async function hold(port: number): Promise<Server | undefined> {
    const server = createServer();
    try {
        await once(server.listen(port, '::'), 'listening');
        return server;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
            return undefined;
        }
        throw error;
    }
}
