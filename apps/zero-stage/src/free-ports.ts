import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/**
 * Ports that were free a moment ago, all different.
 *
 * zero-cache listens on `::`, that is on all addresses, and can't be told otherwise, so that is where they are free.
 */
export async function freePorts(count: number): Promise<number[]> {
    const holders = Array.from({ length: count }, () => createServer());
    try {
        await Promise.all(holders.map(holder => once(holder.listen(0, '::'), 'listening')));
        return holders.map(holder => (holder.address() as AddressInfo).port);
    } finally {
        await Promise.all(holders.map(holder => new Promise(resolve => holder.close(resolve))));
    }
}
