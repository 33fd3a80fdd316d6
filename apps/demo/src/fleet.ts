import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { InstanceConfig } from './instance/config.js';

const PROGRAM = fileURLToPath(new URL('./instance/main.js', import.meta.url));

/** How long an instance may take to store its last watermarks and close. */
const STOP_MS = 5_000;

interface Member {
    readonly config: InstanceConfig;
    readonly process: ChildProcess;
    readonly exited: Promise<unknown>;
}

/** The change-source processes. */
export class Fleet {
    readonly #members = new Map<string, Member>();
    readonly #expected = new Set<string>();

    /** @param onFailure called when an instance ends that nobody has ended */
    constructor(private readonly onFailure: (error: Error) => void) {}

    start(config: InstanceConfig): void {
        const log = openSync(logOf(config), 'a', 0o600);
        const child = fork(PROGRAM, [JSON.stringify(config)], { stdio: ['ignore', log, log, 'ipc'], execArgv: [] });
        closeSync(log);
        const exited = once(child, 'exit').then(
            ([code, signal]) => this.#ended(config, signal ?? `exit code ${code}`),
            (error: Error) => this.onFailure(error)
        );
        this.#members.set(config.name, { config, process: child, exited });
    }

    pidOf(name: string): number | undefined {
        return this.#members.get(name)?.process.pid;
    }

    /** Ends an instance as a crash does. */
    async kill(name: string): Promise<void> {
        const member = this.#members.get(name);
        this.#expected.add(name);
        member?.process.kill('SIGKILL');
        await member?.exited;
    }

    /** Asks all instances to end, and ends those that don't. */
    async stop(): Promise<void> {
        await Promise.all(
            [...this.#members.values()].map(async ({ config, process, exited }) => {
                this.#expected.add(config.name);
                if (process.connected) {
                    process.send('stop', () => {});
                }
                const force = setTimeout(() => process.kill('SIGKILL'), STOP_MS);
                await exited;
                clearTimeout(force);
            })
        );
    }

    /** Ends all instances at once. */
    killAll(): Promise<unknown> {
        return Promise.all([...this.#members.keys()].map(name => this.kill(name)));
    }

    async #ended(config: InstanceConfig, reason: string): Promise<void> {
        if (this.#expected.has(config.name)) {
            return;
        }
        const log = await readFile(logOf(config), 'utf8').catch(() => '');
        const lines = log.trimEnd().split('\n').slice(-15).join('\n');
        this.onFailure(new Error(`${config.name} ended by itself (${reason}). The last lines of its log:\n${lines}`));
    }
}

function logOf({ directory, name }: InstanceConfig): string {
    return join(directory, `${name}.log`);
}
