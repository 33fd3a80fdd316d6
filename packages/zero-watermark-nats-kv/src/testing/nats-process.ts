import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { NatsServerError } from './errors.js';
import { waitUntilHeld } from './held-process.js';
import { lastLines } from './server-directory.js';
import type { ServerDirectory } from './server-directory.js';
import type { NatsServerSignal } from './types.js';
import { tellWatchdog } from './watchdog.js';

/** What to run. None of it is secret: it can be seen in the system's list of processes. */
export interface Launch {
    readonly binary: string;
    readonly name: string;
    readonly directory: ServerDirectory;
    /** `undefined`: no JetStream. */
    readonly storeDirectory: string | undefined;
    /** `-1`: the server takes a free one. */
    readonly port: number;
}

/** Where a server that is ready can be reached. */
export interface Ports {
    readonly port: number;
    readonly monitorUrl: string;
}

/** One run of a nats-server; a restart makes another. */
export class NatsProcess {
    /** Fulfilled when the process is gone (or could never be made). */
    readonly exited: Promise<void>;
    readonly #launch: Launch;
    readonly #child: ChildProcess;
    /** Where this run's log begins; earlier runs wrote into the same file. */
    readonly #logStart: number;
    #outcome: string | undefined;

    /**
     * Starts the process. It is in a session of its own, so that Ctrl-C ends the test first and not the server under it,
     * and it does not keep this process alive. The watchdog knows of it before this returns.
     */
    constructor(launch: Launch) {
        this.#launch = launch;
        const { directory } = launch;
        const log = openSync(directory.logPath, 'a', 0o600);
        try {
            this.#logStart = fstatSync(log).size;
            tellWatchdog({ directory: directory.path, state: 'starting' });
            this.#child = spawn(launch.binary, commandLine(launch), { detached: true, stdio: ['ignore', log, log] });
        } finally {
            closeSync(log);
        }
        const { pid } = this.#child;
        if (pid !== undefined) {
            tellWatchdog({ directory: directory.path, state: 'running', pid });
        }
        this.#child.unref();
        this.exited = new Promise(resolve => {
            const end = (outcome: string): void => {
                this.#outcome ??= outcome;
                tellWatchdog({ directory: directory.path, state: 'stopped' });
                resolve();
            };
            this.#child.once('error', error => {
                // Also sent for a signal that could not be delivered; the process is there then.
                if (pid === undefined) {
                    end(`could not be run: ${error.message}`);
                }
            });
            this.#child.once('exit', (code, signal) => end(signal ? `was ended by ${signal}` : `exited with ${code}`));
        });
    }

    get alive(): boolean {
        return this.#outcome === undefined;
    }

    get pid(): number | undefined {
        return this.alive ? this.#child.pid : undefined;
    }

    /** Sends a signal if the process is still there. Node knows a child's end before its id can be given to another. */
    signal(signal: NodeJS.Signals): void {
        if (this.alive) {
            this.#child.kill(signal);
        }
    }

    /** Stops the process without ending it, and returns when it stands still. */
    hold(): void {
        this.signal('SIGSTOP');
        if (this.pid !== undefined) {
            waitUntilHeld(this.pid);
        }
    }

    /**
     * Sends a signal that ends the process and waits until it is gone; also works on a paused one.
     *
     * @param graceMs after that long it is ended with SIGKILL; default: never
     */
    async end(signal: NatsServerSignal, graceMs?: number): Promise<void> {
        this.signal(signal);
        this.signal('SIGCONT');
        this.#child.ref();
        const force = graceMs === undefined ? undefined : setTimeout(() => this.signal('SIGKILL'), graceMs);
        await this.exited;
        clearTimeout(force);
    }

    /**
     * Waits until the server takes connections, which it says itself by writing its ports; it does so after JetStream
     * has recovered. So no client is needed and it does not matter which credentials the server wants.
     *
     * @throws {NatsServerError} if it ends before or is not ready at `deadline` (in `performance.now()`'s time), with its
     *   last log lines
     */
    async ready(deadline: number): Promise<Ports> {
        for (let pauseMs = 4; ; pauseMs = Math.min(pauseMs * 1.2, 50)) {
            if (!this.alive) {
                throw this.#exitedError();
            }
            const ports = await readPorts(this.#launch.directory.portsPath);
            if (ports) {
                return ports;
            }
            if (performance.now() > deadline) {
                throw this.#error('ERR_NATS_SERVER_TIMEOUT', 'was not ready in time (startTimeoutMs)');
            }
            await wait(pauseMs);
        }
    }

    #exitedError(): NatsServerError {
        const taken = /bind: address already in use/i.test(this.#log());
        return taken
            ? this.#error('ERR_NATS_SERVER_PORT_TAKEN', 'found one of its ports taken by another process')
            : this.#error('ERR_NATS_SERVER_EXITED', `${this.#outcome} before it was ready`);
    }

    #error(code: NatsServerError['code'], what: string): NatsServerError {
        const { name, binary } = this.#launch;
        const log = this.#log() || '(nothing)';
        return new NatsServerError(code, `nats-server ${name} (${binary}) ${what}. The last lines of its log:\n${log}`);
    }

    #log(): string {
        return lastLines(this.#launch.directory.logPath, 20, this.#logStart);
    }
}

/** These win over the same settings in the configuration file, so that no configuration can move the server elsewhere. */
function commandLine({ name, directory, storeDirectory, port }: Launch): string[] {
    return [
        ...['--config', directory.configPath],
        ...['--addr', '127.0.0.1'],
        ...['--port', String(port)],
        ...['--http_port', '-1'],
        ...['--server_name', name],
        ...['--log', directory.logPath],
        ...['--pid', directory.pidPath],
        ...['--ports_file_dir', directory.portsPath],
        ...(storeDirectory === undefined ? [] : ['--store_dir', storeDirectory])
    ];
}

/** Forgets what earlier runs said, to be called before a run starts. */
export async function clearRunFiles(directory: ServerDirectory): Promise<void> {
    const ports = await readdir(directory.portsPath);
    const old = [directory.pidPath, ...ports.map(file => join(directory.portsPath, file))];
    await Promise.all(old.map(path => rm(path, { force: true })));
}

async function readPorts(folder: string): Promise<Ports | undefined> {
    const file = (await readdir(folder)).find(name => name.endsWith('.ports'));
    if (file === undefined) {
        return undefined;
    }
    let listed: { nats?: string[]; monitoring?: string[] };
    try {
        listed = JSON.parse(await readFile(join(folder, file), 'utf8')) as typeof listed;
    } catch {
        return undefined; // not written to its end yet
    }
    const client = listed.nats?.[0];
    const monitorUrl = listed.monitoring?.[0];
    return client && monitorUrl ? { port: Number(new URL(client).port), monitorUrl } : undefined;
}
