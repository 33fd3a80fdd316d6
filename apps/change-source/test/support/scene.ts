import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { type NatsCluster, type NatsServer, startNatsCluster } from '@cbnsndwch/zero-watermark-nats-kv/testing';

import { natsServers } from '../../../../packages/zero-watermark-nats-kv/test/nats-binaries.js';
import { FailoverProxy } from './failover-proxy.js';
import { Guardian } from './guardian.js';
import { Instance } from './instance.js';
import { nodeForZeroCache } from './node-for-zero-cache.js';
import { startPostgres } from './postgres.js';
import { readReplica, type Replica } from './replica.js';
import { SCHEMA } from './rows.js';
import { ROWS_BUCKET, Upstream } from './upstream.js';
import { Client, startQueryServer } from './zero-app.js';
import { ZeroCache } from './zero-cache.js';

const SECRET = 'not=a&real?secret';
const WATERMARKS_BUCKET = 'watermarks';
/** zero-cache's application is `zero` and its shard 0; `_5F` stands for `_`. */
const TOKENS_BUCKET = `${WATERMARKS_BUCKET}-tokens-zero_5F0`;

/** So many changes have to be written until a failure counts as survived. */
const ENOUGH_WRITES = 100;
const REPLICA_POLL_MS = 50;
const REPLICA_TIMEOUT_MS = 60_000;

interface Parts {
    readonly nats: NatsCluster;
    readonly upstream: Upstream;
    readonly instances: readonly Instance[];
    readonly proxy: FailoverProxy;
    readonly zeroCache: ZeroCache;
    readonly client: Client;
}

/** All that the test is about, running. */
export class Scene implements AsyncDisposable {
    readonly nats: NatsCluster;
    readonly upstream: Upstream;
    readonly proxy: FailoverProxy;
    readonly zeroCache: ZeroCache;
    readonly client: Client;
    readonly #instances: readonly Instance[];
    readonly #end: () => Promise<void>;
    #marks = 0;

    /** Starts everything; rows are there already, and more are written meanwhile. */
    static async open(): Promise<Scene> {
        const ends: (() => Promise<unknown>)[] = [];
        const end = async () => {
            for (const step of ends.splice(0).reverse()) {
                await step();
            }
        };
        try {
            return new Scene(await startParts(step => ends.push(step)), end);
        } catch (error) {
            await end();
            throw error;
        }
    }

    private constructor({ nats, upstream, instances, proxy, zeroCache, client }: Parts, end: () => Promise<void>) {
        this.nats = nats;
        this.upstream = upstream;
        this.proxy = proxy;
        this.zeroCache = zeroCache;
        this.client = client;
        this.#instances = instances;
        this.#end = end;
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.#end();
    }

    /** kill -9 of the change source that serves zero-cache; it is started again, and zero-cache goes on at the other one. */
    async killInstance(): Promise<void> {
        const instance = this.#instances.find(({ port }) => port === this.proxy.last?.port);
        await instance?.kill();
        await instance?.start();
    }

    /** kill -9 of the server that leads the rows or the resume tokens. */
    async killNatsLeader(of: 'rows' | 'tokens'): Promise<NatsServer> {
        const leader = await this.upstream.leaderOf(of === 'rows' ? ROWS_BUCKET : TOKENS_BUCKET);
        const node = this.nats.nodes.find(({ name }) => name === leader);
        if (node === undefined) {
            throw new Error(`No server leads the ${of}.`);
        }
        await node.kill();
        return node;
    }

    deleteTokens(): Promise<void> {
        return this.upstream.deleteBucket(TOKENS_BUCKET);
    }

    /** Resolves when changes were written, and the replica has what was written before this moment's end. */
    async replicaGoesOn(): Promise<void> {
        await this.upstream.goesOn(ENOUGH_WRITES);
        await this.#replicaHasAll();
    }

    /** In which rows the replica and the upstream differ, once the replica has had all changes. */
    async differences(): Promise<string[]> {
        await this.#replicaHasAll();
        const { quakes, networks } = this.upstream;
        return Object.entries({ quake: quakes, network: networks }).flatMap(([table, expected]) => {
            const wanted = new Set([...expected.values()].map(stored).map(textOf));
            const found = this.#read(replica => replica.rows(table)).map(textOf);
            const surplus = found.filter(row => !wanted.delete(row));
            return [
                ...surplus.map(row => `${table} surplus: ${row}`),
                ...[...wanted].map(row => `${table} missing: ${row}`)
            ];
        });
    }

    /** The watermark of the initial sync that made the replica. */
    replicaVersion(): string {
        return this.#read(({ replicaVersion }) => replicaVersion);
    }

    /**
     * What zero-cache complains of: errors, and anything about a reset of the replica. (Its view syncers also speak of
     * "resetting pipelines": that is how they answer a query anew when much has changed at once.)
     */
    problems(): string[] {
        return this.zeroCache.lines.filter(
            line =>
                line.includes('"level":"ERROR"') ||
                /resetting replica|auto-reset|reset-required|rejecting subscriber/.test(line)
        );
    }

    /** Changes arrive in order, so once a new one has arrived, all before it have. */
    async #replicaHasAll(): Promise<void> {
        const id = `mark-${(this.#marks += 1)}`;
        const [row] = this.upstream.quakes.values();
        if (row === undefined) {
            throw new Error('The upstream has no rows.');
        }
        await this.upstream.put({ ...row, id });
        const until = performance.now() + REPLICA_TIMEOUT_MS;
        while (!this.#hasQuake(id)) {
            if (performance.now() > until) {
                throw new Error(`The replica did not get ${id} within ${REPLICA_TIMEOUT_MS} ms.\n${this.#recentLog()}`);
            }
            // SQLite tells nobody of changes.
            await wait(REPLICA_POLL_MS);
        }
    }

    #hasQuake(id: string): boolean {
        try {
            return this.#read(replica => replica.rows('quake').some(row => row['id'] === id));
        } catch {
            return false; // the file is just being made
        }
    }

    #read<T>(read: (replica: Replica) => T): T {
        return readReplica(this.zeroCache.replicaFile, read);
    }

    #recentLog(): string {
        return [this.zeroCache, ...this.#instances].map(({ lines }) => lines.slice(-15).join('\n')).join('\n\n');
    }
}

async function startParts(onEnd: (step: () => Promise<unknown>) => void): Promise<Parts> {
    const guardian = new Guardian();
    onEnd(() => guardian[Symbol.asyncDispose]());
    const postgres = await startPostgres(guardian);
    onEnd(() => postgres.stop());
    const nats = await startNatsCluster(3, { binary: natsServers().newest.path });
    onEnd(() => nats.stop());
    const upstream = await Upstream.open(nats.urls, nats.nodes.length);
    onEnd(() => upstream.close());
    await upstream.report(250);

    const schemaFile = join(guardian.folder, 'schema.json');
    writeFileSync(schemaFile, JSON.stringify(SCHEMA));
    const environment = {
        NATS_SERVERS: nats.urls.join(','),
        NATS_BUCKET: WATERMARKS_BUCKET,
        NATS_REPLICAS: '3',
        ROWS_BUCKET,
        ROWS_SCHEMA: schemaFile,
        CHANGE_SOURCE_SECRET: SECRET
    };
    const instances = await Promise.all([1, 2].map(() => Instance.start(guardian, environment)));
    onEnd(() => Promise.all(instances.map(instance => instance.kill('SIGTERM'))));
    const ports = () => instances.filter(({ running }) => running).map(({ port }) => port);
    const proxy = await FailoverProxy.start(ports);
    onEnd(() => proxy.stop());
    const queryServer = await startQueryServer();
    onEnd(() => queryServer.stop());

    upstream.startWriting();
    const zeroCache = await ZeroCache.start(guardian, {
        node: nodeForZeroCache(),
        postgresUrl: postgres.url,
        changeSourceUrl: `ws://127.0.0.1:${proxy.port}/changes/v0/stream?secret=${encodeURIComponent(SECRET)}`,
        queryUrl: queryServer.url
    });
    onEnd(() => zeroCache.stop());
    const client = new Client(zeroCache.url);
    onEnd(() => client.stop());
    return { nats, upstream, instances, proxy, zeroCache, client };
}

/** A row as the replica's SQLite keeps it. */
function stored(row: object): Record<string, unknown> {
    const values = Object.entries(row).map(([column, value]: [string, unknown]) => {
        const kept = typeof value === 'boolean' ? Number(value) : Array.isArray(value) ? JSON.stringify(value) : value;
        return [column, kept] as const;
    });
    return Object.fromEntries(values);
}

function textOf(row: Readonly<Record<string, unknown>>): string {
    return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
