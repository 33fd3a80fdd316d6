// @ts-check
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** @typedef {ReturnType<typeof machineFacts> & { loadAfter?: number }} MachineFacts */

/** What a reader needs to know of the machine, and nothing that tells whose it is. */
export function machineFacts() {
    return {
        date: new Date().toISOString().slice(0, 10),
        cores: availableParallelism(),
        processor: cpus()[0]?.model ?? 'unknown',
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        platform: `${process.platform} ${process.arch}`,
        node: process.versions.node,
        /** Runnable processes in the minute before: above 0.5 or so, something else was using the machine. */
        loadBefore: loadNow()
    };
}

export function loadNow() {
    return Number((loadavg()[0] ?? 0).toFixed(2));
}

/**
 * The machine in a sentence.
 *
 * @param {MachineFacts} machine
 */
export function machineSentence({ cores, processor, memoryGiB, platform, node, date, loadBefore, loadAfter }) {
    const after = loadAfter === undefined ? '' : `, in the last minute: ${loadAfter}`;
    return (
        `${cores} cores (${processor}), ${memoryGiB} GiB, ${platform}, Node ${node}, ${date}. ` +
        `Load of the machine in the minute before: ${loadBefore}${after}.`
    );
}
