import { randomUUID } from 'node:crypto';

import { JetStreamApiError } from '@nats-io/jetstream';
import { RequestError } from '@nats-io/transport-node';

import { JetStreamCode } from '../../src/nats-errors.js';
import { openWatermarkStore, type NatsKvConfig, type WatermarkStore } from '../../src/store.js';
import { startNatsCluster, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';

export { eventually, type RecordedLog, recordLog, rejectionOf } from '../../../../test/support/expectations.js';

/** A running backend: one server, or three of them with every bucket on all three. */
export interface Backend extends AsyncDisposable {
    readonly urls: readonly string[];
    readonly replicas: number;
}

const { newest, oldest } = natsServers();

/** A kind of backend that tests can start. */
export interface BackendKind {
    readonly name: string;
    readonly start: () => Promise<Backend>;
}

export const singleServers: readonly BackendKind[] = [
    { name: `nats-server ${newest.version}`, start: () => single(newest.path) },
    { name: `nats-server ${oldest.version}`, start: () => single(oldest.path) }
];

export const clusters: readonly BackendKind[] = [
    { name: `nats-server ${newest.version}, three nodes`, start: () => cluster(newest.path) },
    { name: `nats-server ${oldest.version}, three nodes`, start: () => cluster(oldest.path) }
];

/** What every promise of the API is tested on. */
export const backends = [...singleServers, ...clusters];

async function single(binary: string): Promise<Backend> {
    const server = await startNatsServer({ binary });
    return { urls: [server.url], replicas: 1, [Symbol.asyncDispose]: () => server.stop() };
}

async function cluster(binary: string): Promise<Backend> {
    const nodes = await startNatsCluster(3, { binary });
    return { urls: nodes.urls, replicas: 3, [Symbol.asyncDispose]: () => nodes.stop() };
}

/** A name that no other test uses. */
export function uniqueBucket(): string {
    return `test-${randomUUID()}`;
}

/** Opens a store on a backend, in a bucket of its own unless one is named. */
export function openOn(
    backend: Pick<Backend, 'urls' | 'replicas'> & Partial<AsyncDisposable>,
    options: Partial<NatsKvConfig> = {}
): Promise<WatermarkStore> {
    return openWatermarkStore({
        servers: [...backend.urls],
        bucket: uniqueBucket(),
        replicas: backend.replicas,
        ...options
    });
}

/**
 * Repeats what a plain client does until its node knows the bucket, and the leader all nodes: in a cluster they learn of
 * each other a moment later, and plain clients don't wait for that.
 */
export async function onceReachable<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
        try {
            return await run();
        } catch (error) {
            if (!mayPass(error) && !(error instanceof Error && mayPass(error.cause))) {
                throw error;
            }
        }
        await new Promise(resolve => setTimeout(resolve, 20));
    }
}

function mayPass(error: unknown): boolean {
    return error instanceof JetStreamApiError
        ? error.code === (JetStreamCode.NO_SUITABLE_PEERS as number)
        : error instanceof RequestError && error.isNoResponders();
}
