import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/**
 * Ports of 127.0.0.1 that were free a moment ago, all different. Another process may take one before it is used, so the
 * caller must be ready to try again with others.
 */
export async function freePorts(count: number): Promise<number[]> {
    const holders = Array.from({ length: count }, () => createServer());
    try {
        await Promise.all(holders.map(holder => once(holder.listen(0, '127.0.0.1'), 'listening')));
        return holders.map(holder => (holder.address() as AddressInfo).port);
    } finally {
        await Promise.all(holders.map(holder => new Promise(resolve => holder.close(resolve))));
    }
}
