import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { freePorts } from './free-ports.js';
import type { Guardian } from './guardian.js';
import { descendantsOf, killAll, type ProcessEnd } from './processes.js';
import { Signal } from './signal.js';

/** Where zero-cache finds the others. */
export interface ZeroCacheOptions {
    /** The Node to run it with. */
    readonly node: string;
    readonly postgresUrl: string;
    readonly changeSourceUrl: string;
    readonly queryUrl: string;
}

const READY_MS = 90_000;

/** zero-cache's program; it is not among the package's exports, but stands beside its entry. */
const PROGRAM = join(dirname(createRequire(import.meta.url).resolve('@rocicorp/zero')), 'cli.js');

/**
 * The real zero-cache, all processes of it, with a supervisor: it is started again whenever it ends, with the same ports
 * and files.
 */
export class ZeroCache {
    readonly url: string;
    readonly replicaFile: string;
    /** Each line of its log, of all runs; one JSON object a line. */
    readonly lines: string[] = [];
    /** How its runs have ended, but for those that were killed by this class. */
    readonly ends: ProcessEnd[] = [];
    readonly #options: ZeroCacheOptions;
    readonly #guardian: Guardian;
    readonly #folder: string;
    readonly #ports: readonly number[];
    readonly #adminPassword = randomUUID();
    readonly #changed: Signal;
    #child: ChildProcess;
    #runs = 0;
    #readyRuns = 0;
    #killed = false;
    #stopped = false;

    static async start(guardian: Guardian, options: ZeroCacheOptions): Promise<ZeroCache> {
        const zeroCache = new ZeroCache(guardian, options, await freePorts(2));
        try {
            await zeroCache.ready();
            return zeroCache;
        } catch (error) {
            await zeroCache.stop();
            throw error;
        }
    }

    private constructor(guardian: Guardian, options: ZeroCacheOptions, ports: readonly number[]) {
        this.#guardian = guardian;
        this.#options = options;
        this.#ports = ports;
        this.#changed = new Signal(guardian.signal, () => `Its log ends with:\n${this.lines.slice(-15).join('\n')}`);
        this.#folder = join(guardian.folder, 'zero-cache');
        mkdirSync(this.#folder);
        this.url = `http://127.0.0.1:${ports[0]}`;
        this.replicaFile = join(this.#folder, 'replica.db');
        this.#child = this.#run();
    }

    /** Of its first process, which starts the others. */
    get pid(): number | undefined {
        return this.#child.pid;
    }

    /** Whether the present run takes connections of clients. */
    get isReady(): boolean {
        return this.#readyRuns === this.#runs;
    }

    /** Resolves when the present run takes connections of clients. */
    async ready(): Promise<void> {
        await this.#changed.until('zero-cache to be ready', () => this.isReady, READY_MS);
    }

    /** Resolves when so many runs have ended by themselves. */
    async ended(count: number): Promise<void> {
        await this.#changed.until(`zero-cache to end`, () => this.ends.length >= count, 60_000);
    }

    /** kill -9 of all its processes. The supervisor starts it again. */
    async kill(): Promise<void> {
        const runs = this.#runs;
        this.#killed = true;
        this.#killTree();
        await this.#changed.until('zero-cache to be started again', () => this.#runs > runs, 10_000);
    }

    async stop(): Promise<void> {
        this.#stopped = true;
        const { exitCode, signalCode } = this.#child;
        if (exitCode === null && signalCode === null) {
            const exit = new Promise(resolve => this.#child.once('exit', resolve));
            this.#killTree();
            await exit;
        }
    }

    #killTree(): void {
        const { pid } = this.#child;
        if (pid !== undefined) {
            killAll([pid, ...descendantsOf(pid)]);
        }
    }

    #run(): ChildProcess {
        this.#runs += 1;
        this.#killed = false;
        const child = fork(PROGRAM, [], {
            detached: true,
            execPath: this.#options.node,
            execArgv: [],
            // It reads a .env of its working directory.
            cwd: this.#folder,
            stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
            serialization: 'advanced',
            env: this.#environment()
        });
        this.#guardian.watch(child);
        for (const stream of [child.stdout, child.stderr]) {
            if (stream !== null) {
                createInterface({ input: stream }).on('line', line => this.#read(line));
            }
        }
        child.once('exit', (code, signal) => {
            if (!this.#killed && !this.#stopped) {
                this.ends.push({ code, signal });
            }
            if (!this.#stopped) {
                this.#child = this.#run();
            }
            this.#changed.give();
        });
        return child;
    }

    #read(line: string): void {
        this.lines.push(line);
        // Its message over IPC, and "zero-cache ready", come before its port is open.
        if (line.includes('zero-dispatcher listening')) {
            this.#readyRuns = this.#runs;
            this.#changed.give();
        }
    }

    #environment(): NodeJS.ProcessEnv {
        const { postgresUrl, changeSourceUrl, queryUrl } = this.#options;
        return {
            PATH: process.env['PATH'],
            HOME: this.#folder,
            TMPDIR: this.#folder,
            NODE_ENV: 'production',
            DO_NOT_TRACK: '1',
            ZERO_UPSTREAM_TYPE: 'custom',
            ZERO_UPSTREAM_DB: changeSourceUrl,
            ZERO_CVR_DB: postgresUrl,
            ZERO_CHANGE_DB: postgresUrl,
            ZERO_REPLICA_FILE: this.replicaFile,
            ZERO_PORT: String(this.#ports[0]),
            ZERO_CHANGE_STREAMER_PORT: String(this.#ports[1]),
            ZERO_NUM_SYNC_WORKERS: '1',
            ZERO_CVR_MAX_CONNS: '4',
            ZERO_CHANGE_MAX_CONNS: '4',
            ZERO_ENABLE_CRUD_MUTATIONS: 'false',
            // It listens on all addresses, so nobody else must know it.
            ZERO_ADMIN_PASSWORD: this.#adminPassword,
            ZERO_ENABLE_TELEMETRY: 'false',
            ZERO_LOG_LEVEL: 'info',
            ZERO_LOG_FORMAT: 'json',
            ZERO_QUERY_URL: queryUrl,
            ZERO_MUTATE_URL: queryUrl
        };
    }
}
