import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { Guardian } from './guardian.js';

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A process of the change source, as it is built. */
export class Instance {
    /** What it logs. */
    readonly lines: string[] = [];
    readonly #guardian: Guardian;
    readonly #environment: NodeJS.ProcessEnv;
    #child: ChildProcess | undefined;
    #port = 0;

    static async start(guardian: Guardian, environment: NodeJS.ProcessEnv): Promise<Instance> {
        const instance = new Instance(guardian, environment);
        await instance.start();
        return instance;
    }

    private constructor(guardian: Guardian, environment: NodeJS.ProcessEnv) {
        this.#guardian = guardian;
        this.#environment = environment;
    }

    /** Stays the same when it is started again. */
    get port(): number {
        return this.#port;
    }

    get running(): boolean {
        return this.#child !== undefined;
    }

    async start(): Promise<void> {
        const child = fork(PROGRAM, [], {
            execArgv: [],
            stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
            env: { PATH: process.env['PATH'], NO_COLOR: '1', ...this.#environment, PORT: String(this.#port) }
        });
        this.#guardian.watch(child);
        for (const stream of [child.stdout, child.stderr]) {
            if (stream !== null) {
                createInterface({ input: stream }).on('line', line => this.lines.push(line));
            }
        }
        const exit = once(child, 'exit').then(([code]) => {
            throw new Error(`A change source ended with ${code}:\n${this.lines.slice(-20).join('\n')}`);
        });
        exit.catch(() => {});
        const [message] = (await Promise.race([once(child, 'message'), exit])) as [{ url: string }];
        this.#port = Number(new URL(message.url).port);
        this.#child = child;
    }

    /** kill -9 */
    async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
        const child = this.#child;
        this.#child = undefined;
        if (child !== undefined) {
            const exit = once(child, 'exit');
            child.kill(signal);
            await exit;
        }
    }
}
