import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { ZqliteOptions } from '../../src/store.js';
import { eventually } from './place.js';

/** What process.mjs is told to be. */
interface Order {
    readonly role: 'racer' | 'writer' | 'setter' | 'visitor' | 'watcher';
    readonly options: Partial<ZqliteOptions>;
    readonly tokens?: readonly string[];
    /** Where a writer begins to count. */
    readonly from?: number;
    readonly shard?: string;
}

/** What it says about a call that was acknowledged. */
export type Said =
    | 'opening'
    | 'ready'
    | 'done'
    | { readonly token: string; readonly watermark: string }
    | { readonly key: string; readonly version: string };

/** Starts another process that uses the built package; resolves once its store is open. It waits to be told to go. */
export async function startProcess(order: Order) {
    const process = spawnProcess(order);
    await eventually('the other process is ready', () => process.said.includes('ready'), 60_000);
    return process;
}

/** The same, without waiting for it. */
export function spawnProcess(order: Order) {
    const script = fileURLToPath(new URL('process.mjs', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(order)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const said: Said[] = [];
    createInterface({ input: child.stdout }).on('line', line => said.push(JSON.parse(line) as Said));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    child.stdin.on('error', () => {});
    const kill = async () => {
        child.kill('SIGKILL');
        await ended;
    };
    return {
        said,
        /** Its exit code, once it has ended and everything it said is in `said`. */
        ended,
        go: () => void child.stdin.write('go\n'),
        done: () => eventually('the other process is done', () => said.includes('done'), 60_000),
        kill,
        [Symbol.asyncDispose]: kill
    };
}
