import { setTimeout as wait } from 'node:timers/promises';

import type { NatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';

import type { Client } from './client.js';
import { type Difference, differences } from './differences.js';
import type { FailoverProxy } from './failover-proxy.js';
import type { Instance } from './instance.js';
import type { Postgres } from './postgres.js';
import { readReplica, type Replica } from './replica.js';
import { ROWS_BUCKET, type Upstream } from './upstream.js';
import type { QueryServer } from './zero-app.js';
import type { ZeroCache } from './zero-cache.js';

/** Where the change sources keep watermarks. */
export const WATERMARKS_BUCKET = 'watermarks';
/** zero-cache's application is `zero` and its shard 0; `_5F` stands for `_`. */
export const TOKENS_BUCKET = `${WATERMARKS_BUCKET}-tokens-zero_5F0`;

const REPLICA_POLL_MS = 50;
const REPLICA_TIMEOUT_MS = 60_000;

type ZeroStageParts = Pick<
    ZeroStage,
    'nodes' | 'upstream' | 'instances' | 'proxy' | 'postgres' | 'queryServer' | 'zeroCache' | 'client'
>;

/** Rows in NATS KV, two change sources behind a proxy, the real zero-cache and a client of it, all running. */
export class ZeroStage {
    readonly nodes: readonly NatsServer[];
    readonly upstream: Upstream;
    readonly instances: readonly Instance[];
    readonly proxy: FailoverProxy;
    /** Where zero-cache keeps what its clients have. */
    readonly postgres: Postgres;
    readonly queryServer: QueryServer;
    readonly zeroCache: ZeroCache;
    readonly client: Client;
    readonly #signal: AbortSignal | undefined;
    #marks = 0;

    constructor(parts: ZeroStageParts, signal?: AbortSignal) {
        this.nodes = parts.nodes;
        this.upstream = parts.upstream;
        this.instances = parts.instances;
        this.proxy = parts.proxy;
        this.postgres = parts.postgres;
        this.queryServer = parts.queryServer;
        this.zeroCache = parts.zeroCache;
        this.client = parts.client;
        this.#signal = signal;
    }

    /** The change source that zero-cache is connected to, or was last. */
    get serving(): Instance {
        const instance = this.instances.find(({ port }) => port === this.proxy.last?.port);
        if (instance === undefined) {
            throw new Error('No change source has served zero-cache yet.');
        }
        return instance;
    }

    /** The server that leads the rows or the resume tokens. */
    async leaderOf(what: 'rows' | 'tokens'): Promise<NatsServer> {
        const leader = await this.upstream.leaderOf(what === 'rows' ? ROWS_BUCKET : TOKENS_BUCKET);
        const node = this.nodes.length === 1 ? this.nodes[0] : this.nodes.find(({ name }) => name === leader);
        if (node === undefined) {
            throw new Error(`No server leads the ${what}.`);
        }
        return node;
    }

    /**
     * Reads zero-cache's replica.
     *
     * @throws {Error} while zero-cache is about to make it, or to put it right after a crash
     */
    readReplica<T>(read: (replica: Replica) => T): T {
        return readReplica(this.zeroCache.replicaFile, read);
    }

    /** The same for who can do without an answer: `undefined` while the replica can't be read. */
    glanceAtReplica<T>(read: (replica: Replica) => T): T | undefined {
        try {
            return this.readReplica(read);
        } catch {
            return undefined;
        }
    }

    /** Writes a row that says that all writes before have arrived wherever it has arrived; changes keep their order. */
    async writeMark(): Promise<string> {
        const id = `mark-${(this.#marks += 1)}`;
        const [row] = this.upstream.rows.quake;
        if (row === undefined) {
            throw new Error('The upstream has no rows.');
        }
        await this.upstream.put({ ...row, id, place: 'a mark: all rows before it are there' });
        return id;
    }

    /** Resolves when a mark is in the replica. */
    async replicaHas(mark: string): Promise<void> {
        const until = performance.now() + REPLICA_TIMEOUT_MS;
        while (this.glanceAtReplica(replica => replica.has(mark)) !== true) {
            if (performance.now() > until) {
                throw new Error(
                    `The replica did not get ${mark} within ${REPLICA_TIMEOUT_MS} ms.\n${this.recentLog()}`
                );
            }
            // SQLite tells nobody of changes.
            await wait(REPLICA_POLL_MS, undefined, this.#signal === undefined ? {} : { signal: this.#signal });
        }
    }

    /** Resolves when the client sees a mark. */
    clientHas(mark: string): Promise<void> {
        return this.client.until(mark, () => this.client.rows.quake.some(({ id }) => id === mark));
    }

    /** What is different in the replica from the upstream, once it has had all changes. */
    async differences(): Promise<Difference[]> {
        await this.replicaHas(await this.writeMark());
        return differences(
            this.upstream.rows,
            this.readReplica(replica => replica.rows())
        );
    }

    /** The watermark of the initial sync that made the replica. */
    replicaVersion(): string {
        return this.readReplica(({ replicaVersion }) => replicaVersion);
    }

    /**
     * What should not have happened: errors that zero-cache logs, anything about a reset of the replica, and processes that
     * ended by themselves. (zero-cache's view syncers also speak of "resetting pipelines": that is how they answer a query
     * anew when much has changed at once.)
     */
    problems(): string[] {
        const { zeroCache, instances } = this;
        const lines = zeroCache.lines.filter(
            line =>
                line.includes('"level":"ERROR"') ||
                /resetting replica|auto-reset|reset-required|rejecting subscriber/.test(line)
        );
        const ends = [{ name: 'zero-cache', ends: zeroCache.ends }, ...instances].flatMap(part =>
            part.ends.map(({ code, signal }) => `${part.name} ended by itself (${signal ?? `code ${code}`})`)
        );
        return [...ends, ...lines];
    }

    /** The last lines that zero-cache and the change sources have logged. */
    recentLog(): string {
        return [this.zeroCache, ...this.instances].map(({ lines }) => lines.slice(-15).join('\n')).join('\n\n');
    }
}
