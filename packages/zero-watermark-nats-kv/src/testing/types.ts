/** JetStream's settings for a test server. */
export interface JetStreamTestOptions {
    /** The most that all file streams may hold. @default the server's own, three quarters of the free disk */
    readonly maxFileStoreBytes?: number;
    /** The most that all memory streams may hold. @default the server's own, three quarters of the memory */
    readonly maxMemoryStoreBytes?: number;
    /**
     * How often written data is flushed to the disk, in milliseconds, or `'always'` for every write. It matters only when
     * the machine loses power: `kill('SIGKILL')` loses nothing that was acknowledged.
     *
     * @default the server's own, two minutes
     */
    readonly syncInterval?: 'always' | number;
}

/** How {@link startNatsServer} starts a server. */
export interface NatsServerOptions {
    /**
     * The nats-server to run: a path, or a name to look for on the PATH.
     *
     * @default the environment variable `NATS_SERVER_BIN`, then `nats-server` on the PATH and in the usual folders
     */
    readonly binary?: string;
    /** The server's name, which must be unique in a cluster. @default a random one */
    readonly name?: string;
    /** Whether JetStream is enabled. @default true */
    readonly jetstream?: boolean;
    readonly jetstreamOptions?: JetStreamTestOptions;
    /**
     * More configuration in NATS's own format: accounts, authorization, tls, limits...
     *
     * Address, port, monitoring port, name, store folder and log are decided by the test server, so leave them out. A
     * `jetstream` block in here takes the place of `jetstreamOptions`. The text is kept in a file that only this user can
     * read and that is removed with the server; secrets never appear on the command line.
     */
    readonly config?: string;
    /**
     * Where JetStream keeps its data. A folder that you name is never removed, so a later server can go on with it.
     *
     * @default a temporary one, removed by `stop()`
     */
    readonly storeDirectory?: string;
    /** How long the server may take until it is ready. @default 15_000 */
    readonly startTimeoutMs?: number;
}

/** How {@link startNatsCluster} starts its nodes; each has a store of its own. */
export interface NatsClusterOptions extends Omit<NatsServerOptions, 'name' | 'storeDirectory'> {
    /** The cluster's name; the nodes are called `<name>-1`, `<name>-2`... @default a random one */
    readonly name?: string;
    /** How long the whole cluster may take until it is ready. @default 30_000 */
    readonly startTimeoutMs?: number;
}

/**
 * A signal that ends a server: `SIGKILL` as a crash does, `SIGTERM`, `SIGINT` and `SIGQUIT` in an orderly way, `SIGUSR2`
 * through NATS's lame duck mode (clients are asked to leave first, which takes as long as `lame_duck_duration` says).
 */
export type NatsServerSignal = 'SIGKILL' | 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGUSR2';

/** A real nats-server of this test. Ends by itself when the test process ends, however that happens. */
export interface NatsServer extends AsyncDisposable {
    /** `nats://127.0.0.1:<port>`; stays the same through `restart()`. */
    readonly url: string;
    readonly port: number;
    /** Where NATS's monitoring endpoints (`/varz`, `/jsz`...) are; may change with `restart()`. */
    readonly monitorUrl: string;
    readonly name: string;
    /** The process's id, `undefined` while no process runs. */
    readonly pid: number | undefined;
    /** Whether the process is there; a paused one is. */
    readonly running: boolean;
    /** Whether `pause()` holds the process. */
    readonly paused: boolean;
    readonly storeDirectory: string;
    /** The version of the binary, without a leading `v`. */
    readonly version: string;
    readonly logPath: string;

    /** The last lines of the server's log, 40 if not said otherwise; empty after `stop()`. */
    logs(lines?: number): string;

    /**
     * Ends the process and resolves when it is gone; port, store and log are kept for `restart()`. Does nothing if no
     * process runs. A paused process is continued for it where the signal needs that.
     *
     * @default 'SIGKILL'
     */
    kill(signal?: NatsServerSignal): Promise<void>;

    /**
     * Starts the server again with the same port, name, configuration and store, after an orderly end (SIGTERM) if it
     * still runs. Resolves when it takes connections. A node of a cluster may still have to catch up then: see
     * {@link NatsCluster.waitUntilReady}.
     *
     * @param options `binary`: go on with another nats-server from now on, to upgrade a server in place
     * @throws {NatsServerError} if the server does not come up within `startTimeoutMs`, or was stopped before
     */
    restart(options?: { readonly binary?: string }): Promise<void>;

    /**
     * Holds the process (SIGSTOP): connections stay open and nothing is answered any more. It stands still when this
     * returns. Does nothing if no process runs.
     */
    pause(): void;

    /** Lets a paused process go on (SIGCONT). */
    resume(): void;

    /** Ends the process and removes everything that was made for it. May be called more than once. */
    stop(): Promise<void>;
}

/** Real nats-servers of this test that form a JetStream cluster. */
export interface NatsCluster extends AsyncDisposable {
    readonly name: string;
    readonly nodes: readonly NatsServer[];
    /** The nodes' client URLs, in the order of `nodes`. */
    readonly urls: readonly string[];

    /**
     * The node that leads JetStream's metadata (streams and consumers are made by it), as far as a majority agrees now.
     * `undefined` while there is none. The only node of a cluster of one leads it.
     */
    metaLeader(): Promise<NatsServer | undefined>;

    /**
     * Resolves when all nodes that run (and are not paused) are routed to each other and healthy, which includes
     * that their streams have caught up, and agree on one JetStream meta leader.
     *
     * @param timeoutMs default 30_000
     * @throws {NatsServerError} `ERR_NATS_SERVER_TIMEOUT`, saying what was still missing
     */
    waitUntilReady(timeoutMs?: number): Promise<void>;

    /** Stops all nodes; see {@link NatsServer.stop}. */
    stop(): Promise<void>;
}
