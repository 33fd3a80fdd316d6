// @ts-check
import { elapsed } from './measuring.mjs';

/** @typedef {Awaited<ReturnType<typeof import('./measuring.mjs').freshServer>>} FreshServer */

export const restartColumns = [
    { name: 'SIGKILL to answer, ms', digits: 0 },
    { name: 'SIGTERM to answer, ms', digits: 0 },
    { name: 'server after that, MB', digits: 1 }
];

/**
 * How long a server takes until it answers again: one that was killed after much was stored, which may have to read all of it,
 * and one that was asked to end, which writes its index. And what it then holds in memory, without what it needed before.
 *
 * @param {FreshServer} server
 * @param {() => Promise<unknown>} ask opens a store and reads something
 */
export async function restarts(server, ask) {
    const times = [];
    // In this order: what the second one writes would save the first one its work.
    for (const signal of /** @type {const} */ (['SIGKILL', 'SIGTERM'])) {
        const startMs = await server.restart(signal);
        times.push(startMs + (await elapsed(ask)));
    }
    return [...times, await server.megabytes()];
}
