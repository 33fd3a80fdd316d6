// @ts-check
import { elapsed } from './measuring.mjs';

/** @typedef {Awaited<ReturnType<typeof import('./measuring.mjs').freshServer>>} FreshServer */

export const restartColumns = [
    { name: 'SIGTERM to answer, ms', digits: 0 },
    { name: 'SIGKILL to answer, ms', digits: 0 },
    { name: 'server after that, MB', digits: 1 }
];

/**
 * How long a server takes until it answers again: one that was asked to end, which writes its index, and one that was
 * killed, which may have to read all that is stored. And what it then holds in memory, without what it needed before.
 *
 * @param {FreshServer} server
 * @param {() => Promise<unknown>} ask opens a store and reads something
 */
export async function restarts(server, ask) {
    const times = [];
    for (const signal of /** @type {const} */ (['SIGTERM', 'SIGKILL'])) {
        const startMs = await server.restart(signal);
        times.push(startMs + (await elapsed(ask)));
    }
    return [...times, await server.megabytes()];
}
