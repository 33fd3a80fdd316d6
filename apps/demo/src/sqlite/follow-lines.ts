import { open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

/** How often a look is taken whether the file has grown. */
const POLL_MS = 50;

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** Gives the lines of a file from its start, each as soon as its end is written, until the signal aborts. */
export async function* followLines(path: string, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const file = await open(path, 'r');
    try {
        const chunk = Buffer.alloc(CHUNK_BYTES);
        let begun = Buffer.alloc(0);
        while (!signal.aborted) {
            const { bytesRead } = await file.read(chunk);
            if (bytesRead === 0) {
                // An abort ends the wait, and the loop.
                await wait(POLL_MS, undefined, { signal }).catch(() => {});
                continue;
            }
            const text = Buffer.concat([begun, chunk.subarray(0, bytesRead)]);
            // Only what is whole is decoded: a chunk may end within a character.
            const end = text.lastIndexOf(NEWLINE) + 1;
            for (const line of text.toString('utf8', 0, end).split('\n').slice(0, -1)) {
                if (signal.aborted) {
                    return;
                }
                yield line;
            }
            begun = text.subarray(end);
        }
    } finally {
        await file.close();
    }
}
