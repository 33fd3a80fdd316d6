import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { NatsServerError } from './errors.js';
import { findNatsServer } from './find-nats-server.js';
import type { FoundNatsServer } from './find-nats-server.js';
import { clearRunFiles, NatsProcess } from './nats-process.js';
import type { Ports } from './nats-process.js';
import type { ClusterConfig } from './server-config.js';
import { lastLines, makeServerDirectory, removeServerDirectory } from './server-directory.js';
import type { ServerDirectory } from './server-directory.js';
import type { NatsServer, NatsServerOptions, NatsServerSignal } from './types.js';

/** How long an orderly end may take before it is forced. */
const ORDERLY_END_MS = 10_000;

/**
 * Starts a real nats-server for a test, on a free port of 127.0.0.1.
 *
 * Resolves when it takes connections and JetStream has recovered, typically within a tenth of a second. It is ended, and
 * what was made for it removed, by `stop()`, by `await using`, or when this process ends, even by SIGKILL. It does not
 * keep the process alive. A client that connects through it is told of no other address, so a proxy before it works.
 *
 * @throws {NatsServerError} when no suitable binary is found, or the server does not get ready
 */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
    return startNode(options, undefined);
}

/** A random name that can be part of any name in NATS. */
export function randomName(): string {
    return `test-${randomBytes(6).toString('hex')}`;
}

/** {@link startNatsServer}, or a node of a cluster. */
export async function startNode(
    options: NatsServerOptions,
    cluster: ClusterConfig | undefined
): Promise<ManagedServer> {
    const { jetstream = true, jetstreamOptions = {}, config, startTimeoutMs = 15_000 } = options;
    const found = await findNatsServer(options.binary === undefined ? {} : { binary: options.binary });
    const directory = await makeServerDirectory({ jetstream, jetstreamOptions, cluster }, config);
    const server = new ManagedServer(found, directory, {
        name: options.name ?? randomName(),
        jetstream,
        storeDirectory: options.storeDirectory,
        startTimeoutMs
    });
    try {
        await server.start();
    } catch (error) {
        await server.stop();
        throw error;
    }
    return server;
}

interface Settings {
    readonly name: string;
    readonly jetstream: boolean;
    /** `undefined`: within the server's own folder. */
    readonly storeDirectory: string | undefined;
    readonly startTimeoutMs: number;
}

export class ManagedServer implements NatsServer {
    readonly name: string;
    readonly storeDirectory: string;
    readonly logPath: string;
    readonly #settings: Settings;
    readonly #directory: ServerDirectory;
    #binary: FoundNatsServer;
    #ports: Ports | undefined;
    #process: NatsProcess | undefined;
    #paused = false;
    /** The last restart; one begins when the one before it has ended. */
    #restarting: Promise<void> = Promise.resolve();
    #stopping: Promise<void> | undefined;

    constructor(binary: FoundNatsServer, directory: ServerDirectory, settings: Settings) {
        this.name = settings.name;
        this.storeDirectory = settings.storeDirectory ?? directory.storePath;
        this.logPath = directory.logPath;
        this.#binary = binary;
        this.#directory = directory;
        this.#settings = settings;
    }

    get port(): number {
        return this.#knownPorts().port;
    }

    get url(): string {
        return `nats://127.0.0.1:${this.port}`;
    }

    get monitorUrl(): string {
        return this.#knownPorts().monitorUrl;
    }

    get version(): string {
        return this.#binary.version;
    }

    get pid(): number | undefined {
        return this.#process?.pid;
    }

    get running(): boolean {
        return this.#process?.alive ?? false;
    }

    get paused(): boolean {
        return this.#paused && this.running;
    }

    logs(lines = 40): string {
        return lastLines(this.logPath, lines);
    }

    async start(): Promise<void> {
        const deadline = performance.now() + this.#settings.startTimeoutMs;
        let taken: unknown;
        for (;;) {
            try {
                return await this.#startOnce(deadline);
            } catch (error) {
                taken = isPortTaken(error) ? error : taken;
                // The port was free while no server ran, so an outgoing connection may have got it. That passes.
                const mayPass = this.#ports !== undefined && isPortTaken(error) && performance.now() < deadline;
                if (!mayPass) {
                    throw taken ?? error;
                }
                await wait(100);
            }
        }
    }

    async #startOnce(deadline: number): Promise<void> {
        await clearRunFiles(this.#directory);
        this.#assertNotStopped();
        this.#paused = false;
        const process = new NatsProcess({
            binary: this.#binary.path,
            name: this.name,
            directory: this.#directory,
            storeDirectory: this.#settings.jetstream ? this.storeDirectory : undefined,
            port: this.#ports?.port ?? -1
        });
        this.#process = process;
        try {
            this.#ports = await process.ready(deadline);
        } catch (error) {
            await process.end('SIGKILL');
            throw error;
        }
    }

    async kill(signal: NatsServerSignal = 'SIGKILL'): Promise<void> {
        await this.#process?.end(signal);
    }

    restart(options: { readonly binary?: string } = {}): Promise<void> {
        const restarted = this.#restarting.then(() => this.#restart(options.binary));
        this.#restarting = restarted.catch(() => {});
        return restarted;
    }

    async #restart(binary: string | undefined): Promise<void> {
        this.#assertNotStopped();
        const next = binary === undefined ? this.#binary : await findNatsServer({ binary });
        await this.#process?.end('SIGTERM', ORDERLY_END_MS);
        this.#binary = next;
        await this.start();
    }

    pause(): void {
        this.#process?.hold();
        this.#paused = this.running;
    }

    resume(): void {
        this.#process?.signal('SIGCONT');
        this.#paused = false;
    }

    stop(): Promise<void> {
        this.#stopping ??= this.#stop();
        return this.#stopping;
    }

    async #stop(): Promise<void> {
        // What is removed anyway needs no orderly end; the caller's store does.
        const orderly = this.#settings.storeDirectory !== undefined;
        await this.#process?.end(orderly ? 'SIGTERM' : 'SIGKILL', ORDERLY_END_MS);
        await this.#restarting;
        await removeServerDirectory(this.#directory);
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.stop();
    }

    #knownPorts(): Ports {
        if (!this.#ports) {
            throw new Error(`nats-server ${this.name} has not been ready yet, so its ports are not known`);
        }
        return this.#ports;
    }

    #assertNotStopped(): void {
        if (this.#stopping) {
            throw new NatsServerError(
                'ERR_NATS_SERVER_STOPPED',
                `nats-server ${this.name} was stopped and its files are removed: start a new one, ` +
                    'or use kill() and restart() to keep them'
            );
        }
    }
}

/** Whether another process has a port that the server was to have. */
export function isPortTaken(error: unknown): boolean {
    return error instanceof NatsServerError && error.code === 'ERR_NATS_SERVER_PORT_TAKEN';
}
