import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { Outage } from '../backdrop.js';
import { seconds } from '../text.js';

const PROGRAM = fileURLToPath(new URL('./lock-holder.js', import.meta.url));

/** How long nobody can write: long enough to be seen. */
const LOCKED_MS = 1_000;

/** Another process begins to delete all watermarks, does not end that, and is killed with SIGKILL. */
export class WriteLock implements Outage {
    readonly name = 'lock';
    readonly state = 'locked by another process';
    readonly #database: string;
    #holder: ChildProcess | undefined;

    constructor(database: string) {
        this.#database = database;
    }

    async happen(tell: (text: string, isBad: boolean) => void): Promise<number> {
        const holder = fork(PROGRAM, [this.#database], { execArgv: [] });
        this.#holder = holder;
        const exited = once(holder, 'exit');
        const locked = await Promise.race([once(holder, 'message').then(() => true), exited.then(() => false)]);
        if (!locked) {
            throw new Error('The process that was to lock the database has ended by itself.');
        }
        const began = performance.now();
        tell(`✗ process ${holder.pid} deletes all watermarks and does not commit: nobody else can write`, true);
        await wait(LOCKED_MS);
        holder.kill('SIGKILL');
        await exited;
        const lockedMs = performance.now() - began;
        tell(`✗ kill -9 ${holder.pid}: its lock is gone after ${seconds(lockedMs)}, and so is what it did`, true);
        return lockedMs;
    }

    /** Ends the process, if it is there. */
    stop(): void {
        this.#holder?.kill('SIGKILL');
    }
}
