// @ts-check
import { connectTo, serverMemory, startPlace, streamsOf } from '../shared/servers.mjs';

/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/rounds.mjs').Runner} Runner */

/** Whether the system says how much processor time the servers use. */
export const tellsProcessorTime = process.platform === 'linux';

/** A server of its own, whose memory nothing else has touched. */
export async function freshServer() {
    const place = await startPlace('newest', 1);
    if (place === undefined) {
        throw new Error('There is no nats-server: run node scripts/setup.mjs');
    }
    const before = await serverMemory(place);
    const [node] = place.nodes;
    return {
        place,
        /**
         * Ends the server and starts it again.
         *
         * @param {'SIGTERM' | 'SIGKILL'} signal with which it is ended
         * @returns how long it took to start
         */
        async restart(signal) {
            await node?.kill(signal);
            return elapsed(async () => node?.restart());
        },
        /** What it holds more than when it was empty (resident), with what it has not given back. */
        megabytes: async () => ((await serverMemory(place)) - before) / 1e6,
        close: () => place.stop()
    };
}

/**
 * What the streams of a bucket and its shards take on the disk.
 *
 * @param {Place} place
 * @param {string} bucket
 */
export async function storedMegabytes(place, bucket) {
    const nc = await connectTo(place);
    try {
        return (await streamsOf(nc, bucket)).reduce((sum, { state }) => sum + state.bytes, 0) / 1e6;
    } finally {
        await nc.close();
    }
}

/** @param {() => Promise<unknown>} work */
export async function elapsed(work) {
    const began = performance.now();
    await work();
    return performance.now() - began;
}

/**
 * @param {Runner} run
 * @param {number} windowMs
 */
export async function rateOf(run, windowMs) {
    await run(windowMs / 4);
    const { done, elapsedMs } = await run(windowMs);
    return (done * 1_000) / elapsedMs;
}
