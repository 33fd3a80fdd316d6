import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { eventually } from './backends.js';

/** What client-process.mjs is told to be. */
interface ClientOrder {
    /** `writer`: writes until it is killed, and prints what was acknowledged. `visitor`: works, closes, ends by itself. */
    readonly role: 'writer' | 'visitor';
    readonly options: { readonly servers: readonly string[]; readonly bucket: string; readonly replicas?: number };
    /** Where a writer begins to count. */
    readonly from?: number;
}

/** Starts another process that uses the built package. */
export function startClient(order: ClientOrder) {
    const script = fileURLToPath(new URL('client-process.mjs', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(order)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', line => lines.push(line));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    child.stdin.on('error', () => {});
    return {
        lines,
        /** Its exit code, once it has ended and everything it printed is in `lines`. */
        ended,
        say: (word: string) => child.stdin.end(`${word}\n`),
        line: (line: string) => eventually(`"${line}" of another process`, () => lines.includes(line)),
        kill: async () => {
            child.kill('SIGKILL');
            await ended;
        },
        [Symbol.asyncDispose]: async () => {
            child.kill('SIGKILL');
            await ended;
        }
    };
}
