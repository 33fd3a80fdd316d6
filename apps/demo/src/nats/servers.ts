import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JetStreamManager } from '@nats-io/jetstream';
import { type NatsServer, startNatsCluster, startNatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';

import type { DemoOptions } from '../arguments.js';

/** The NATS servers of the demo. */
export interface Servers {
    readonly nodes: readonly NatsServer[];
    readonly urls: readonly string[];
    /** How many of them keep a copy of each stream. */
    readonly replicas: number;
    stop(): Promise<void>;
}

/** Starts one server, or three that form a cluster. */
export async function startServers(options: DemoOptions, signal: AbortSignal): Promise<Servers> {
    const binary = options.natsServer ?? (await binaryOfSetUp(signal));
    if (options.cluster) {
        const cluster = await startNatsCluster(3, { binary, name: 'nats' });
        return { nodes: cluster.nodes, urls: cluster.urls, replicas: 3, stop: () => cluster.stop() };
    }
    const server = await startNatsServer({ binary, name: 'nats-1' });
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

/** The nats-server that the set-up finds, or fetches where there is none. It says itself what it can't do. */
async function binaryOfSetUp(signal: AbortSignal): Promise<string> {
    const root = fileURLToPath(new URL('../../../../', import.meta.url));
    const script = resolve(root, 'scripts/setup.mjs');
    const setUp = spawn(process.execPath, [script, '--nats', 'newest'], { stdio: 'inherit', signal });
    const [code] = (await once(setUp, 'exit')) as [number | null];
    if (code !== 0) {
        throw new Error('There is no nats-server; npm run demo -- --store sqlite needs none.');
    }
    const text = await readFile(resolve(root, '.cache/nats-servers.json'), 'utf8');
    const { newest } = JSON.parse(text) as { newest: { path: string } };
    return resolve(root, newest.path);
}
