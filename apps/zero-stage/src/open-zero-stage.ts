import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { NatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';

import { Client } from './client.js';
import { FailoverProxy } from './failover-proxy.js';
import { Guardian } from './guardian.js';
import { Instance } from './instance.js';
import { nodeForZeroCache } from './node-for-zero-cache.js';
import { startPostgres } from './postgres.js';
import { SCHEMA } from './rows.js';
import { ROWS_BUCKET, type Upstream } from './upstream.js';
import { QueryServer } from './zero-app.js';
import { ZeroCache } from './zero-cache.js';
import { WATERMARKS_BUCKET, ZeroStage } from './zero-stage.js';

/** How a {@link ZeroStage} is opened. */
export interface ZeroStageOptions {
    /** The NATS servers, on all of which the change sources keep what they store. */
    readonly nodes: readonly NatsServer[];
    /** What zero-cache is to have; it may be written to meanwhile. */
    readonly upstream: Upstream;
    /** The folder of PostgreSQL's programs; see {@link findPostgres}. */
    readonly postgres: string;
    /** Ends all waiting when it aborts. */
    readonly signal?: AbortSignal;
    /** Is told how to undo each step, to be called in reverse order. */
    readonly defer: (step: () => Promise<unknown>) => void;
    /** Is told what was started, and what is not as it should be. */
    readonly tell?: (message: string) => void;
}

/** Starts everything, and waits until the client has all rows. */
export async function openZeroStage(options: ZeroStageOptions): Promise<ZeroStage> {
    const { nodes, upstream, signal, defer, tell = () => {} } = options;
    const guardian = new Guardian(signal);
    defer(() => guardian[Symbol.asyncDispose]());
    const node = await nodeForZeroCache(guardian, tell);
    const postgres = await startPostgres(guardian, options.postgres);
    defer(() => postgres.stop());
    tell('PostgreSQL runs, where zero-cache keeps its own data');

    // With what has a meaning in URLs, which must not matter.
    const secret = `${randomUUID()}=&?`;
    const instances = await startInstances(guardian, nodes, secret);
    defer(() => Promise.all(instances.map(instance => instance.stop())));
    const ports = () => instances.filter(({ running }) => running).map(({ port }) => port);
    const proxy = await FailoverProxy.start(ports, signal);
    defer(() => proxy.stop());
    tell(`${instances.map(({ name, pid }) => `${name} (${pid})`).join(' and ')} listen, behind a proxy`);

    const queryServer = await QueryServer.start();
    defer(() => queryServer.stop());
    const zeroCache = await ZeroCache.start(guardian, {
        node: node.path,
        postgresUrl: postgres.url,
        changeSourceUrl: `ws://127.0.0.1:${proxy.port}/changes/v0/stream?secret=${encodeURIComponent(secret)}`,
        queryUrl: queryServer.url
    });
    defer(() => zeroCache.stop());
    tell(`zero-cache (${zeroCache.pid}) runs on Node ${node.version} and has its replica`);

    const client = new Client(zeroCache.url, signal);
    defer(() => client.stop());
    await client.until('all rows', () => client.isComplete);
    tell(`a Zero client is connected and sees ${client.size} rows`);
    return new ZeroStage({ nodes, upstream, instances, proxy, postgres, queryServer, zeroCache, client }, signal);
}

function startInstances(guardian: Guardian, nodes: readonly NatsServer[], secret: string): Promise<Instance[]> {
    const schemaFile = join(guardian.folder, 'schema.json');
    writeFileSync(schemaFile, JSON.stringify(SCHEMA));
    const environment = {
        NATS_SERVERS: nodes.map(({ url }) => url).join(','),
        NATS_BUCKET: WATERMARKS_BUCKET,
        NATS_REPLICAS: String(nodes.length),
        ROWS_BUCKET,
        ROWS_SCHEMA: schemaFile,
        CHANGE_SOURCE_SECRET: secret
    };
    return Promise.all([1, 2].map(number => Instance.start(guardian, `change-source-${number}`, environment)));
}
