import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JetStreamManager } from '@nats-io/jetstream';
import { type NatsServer, startNatsCluster, startNatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';

import type { DemoOptions } from './arguments.js';

/** The NATS servers of the demo. */
export interface Servers {
    readonly nodes: readonly NatsServer[];
    readonly urls: readonly string[];
    /** How many of them keep a copy of each stream. */
    readonly replicas: number;
    stop(): Promise<void>;
}

/** Starts one server, or three that form a cluster. */
export async function startServers(options: DemoOptions): Promise<Servers> {
    const binary = options.natsServer ?? (await binaryOfSetUp());
    const choice = binary === undefined ? {} : { binary };
    if (options.cluster) {
        const cluster = await startNatsCluster(3, { ...choice, name: 'nats' });
        return { nodes: cluster.nodes, urls: cluster.urls, replicas: 3, stop: () => cluster.stop() };
    }
    const server = await startNatsServer({ ...choice, name: 'nats-1' });
    return { nodes: [server], urls: [server.url], replicas: 1, stop: () => server.stop() };
}

/** What was started, in a sentence. */
export function describeServers({ nodes }: Servers): string {
    const kind = nodes.length === 1 ? 'one node' : 'three nodes, each stream kept on all of them';
    return `nats-server ${nodes[0]?.version ?? ''} runs: ${kind}`;
}

/** The node that leads a stream. */
export async function leaderOf(servers: Servers, manager: JetStreamManager, stream: string): Promise<NatsServer> {
    const { cluster } = await manager.streams.info(stream);
    const leader = servers.nodes.find(node => node.name === cluster?.leader) ?? servers.nodes[0];
    if (leader === undefined) {
        throw new Error('There is no NATS server.');
    }
    return leader;
}

/** The nats-server that `npm run setup` found or fetched; without it the usual places are searched. */
async function binaryOfSetUp(): Promise<string | undefined> {
    const root = fileURLToPath(new URL('../../../', import.meta.url));
    try {
        const text = await readFile(resolve(root, '.cache/nats-servers.json'), 'utf8');
        const { newest } = JSON.parse(text) as { newest?: { path: string } };
        return newest === undefined ? undefined : resolve(root, newest.path);
    } catch {
        return undefined;
    }
}
