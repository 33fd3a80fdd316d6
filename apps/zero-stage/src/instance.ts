import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { freePorts } from './free-ports.js';
import type { Guardian } from './guardian.js';
import type { ProcessEnd } from './processes.js';

/** As it is built. */
const PROGRAM = join(
    dirname(createRequire(import.meta.url).resolve('@cbnsndwch/zero-change-source/package.json')),
    'dist/main.js'
);

/** How long an instance may take to close in an orderly way. */
const STOP_MS = 5_000;

/** A process of the change source. */
export class Instance {
    readonly name: string;
    /** Stays the same when it is started again. */
    readonly port: number;
    /** What it logs. */
    readonly lines: string[] = [];
    /** How its processes have ended, but for those that were ended by this class. */
    readonly ends: ProcessEnd[] = [];
    readonly #guardian: Guardian;
    readonly #environment: NodeJS.ProcessEnv;
    #child: ChildProcess | undefined;

    static async start(guardian: Guardian, name: string, environment: NodeJS.ProcessEnv): Promise<Instance> {
        const [port = 0] = await freePorts(1);
        const instance = new Instance(guardian, name, port, environment);
        await instance.start();
        return instance;
    }

    private constructor(guardian: Guardian, name: string, port: number, environment: NodeJS.ProcessEnv) {
        this.#guardian = guardian;
        this.name = name;
        this.port = port;
        this.#environment = environment;
    }

    get pid(): number | undefined {
        return this.#child?.pid;
    }

    get running(): boolean {
        return this.#child !== undefined;
    }

    /** @param environment what is to be different from how it was started first */
    async start(environment: NodeJS.ProcessEnv = {}): Promise<void> {
        const child = fork(PROGRAM, [], {
            detached: true,
            execArgv: [],
            stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
            env: {
                PATH: process.env['PATH'],
                NO_COLOR: '1',
                ...this.#environment,
                ...environment,
                PORT: String(this.port)
            }
        });
        this.#guardian.watch(child);
        for (const stream of [child.stdout, child.stderr]) {
            if (stream !== null) {
                createInterface({ input: stream }).on('line', line => this.lines.push(line));
            }
        }
        const exit = once(child, 'exit').then(([code]) => {
            throw new Error(`${this.name} ended with code ${code}:\n${this.lines.slice(-20).join('\n')}`);
        });
        exit.catch(() => {});
        // It says where it listens as soon as it does.
        await Promise.race([once(child, 'message'), exit]);
        this.#child = child;
        child.once('exit', (code, signal) => {
            if (this.#child === child) {
                this.#child = undefined;
                this.ends.push({ code, signal });
            }
        });
    }

    /** kill -9 */
    async kill(): Promise<void> {
        await this.#end('SIGKILL');
    }

    /** Lets it close what it has open. */
    async stop(): Promise<void> {
        const child = this.#child;
        const force = setTimeout(() => child?.kill('SIGKILL'), STOP_MS);
        await this.#end('SIGTERM');
        clearTimeout(force);
    }

    async #end(signal: NodeJS.Signals): Promise<void> {
        const child = this.#child;
        this.#child = undefined;
        if (child !== undefined) {
            const exit = once(child, 'exit');
            child.kill(signal);
            await exit;
        }
    }
}
