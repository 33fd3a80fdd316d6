import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

import { natsServers } from '../nats-binaries.js';
import type { Order, Report } from './stage/main.js';

/** The process in which blocks run. */
export class StageProcess implements AsyncDisposable {
    readonly #child: ChildProcess;
    #printed = '';

    constructor(path: string) {
        this.#child = fork(path, ['serve'], {
            // The test runner's own options would make Node resolve the packages to their sources.
            execArgv: [],
            env: { ...process.env, NATS_SERVER_BIN: natsServers().newest.path },
            stdio: ['ignore', 'pipe', 'pipe', 'ipc']
        });
        for (const stream of [this.#child.stdout, this.#child.stderr]) {
            stream?.setEncoding('utf8').on('data', (text: string) => (this.#printed += text));
        }
    }

    /**
     * Runs a block.
     *
     * @throws {Error} with what went wrong in the other process
     */
    async run(order: Order): Promise<void> {
        this.#printed = '';
        this.#child.send(order);
        const ended = new AbortController();
        const { signal } = ended;
        try {
            const report = await Promise.race([
                once(this.#child, 'message', { signal }).then(([message]) => message as Report),
                once(this.#child, 'exit', { signal }).then(([code]) => ({ failure: `the process exited with ${code}` }))
            ]);
            if (report.failure !== undefined) {
                throw new Error(`${report.failure}\n${this.#printed}`);
            }
        } finally {
            ended.abort();
        }
    }

    /** Resolves when the process has ended its servers and itself. */
    async [Symbol.asyncDispose](): Promise<void> {
        if (this.#child.exitCode === null && this.#child.signalCode === null) {
            const exit = once(this.#child, 'exit');
            this.#child.disconnect();
            await exit;
        }
    }
}
