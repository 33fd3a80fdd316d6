// @ts-check
import { readdirSync } from 'node:fs';
import process from 'node:process';

/** What this process holds, after everything that can be forgotten was (needs `--expose-gc`). */
export function sample() {
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    const timers = process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length;
    return { heapBytes: heapUsed, rssBytes: rss, fileDescriptors: openFiles(), timers };
}

function openFiles() {
    try {
        return readdirSync('/proc/self/fd').length;
    } catch {
        return undefined; // not on this system
    }
}
