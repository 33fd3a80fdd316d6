import { randomUUID } from 'node:crypto';

import { RequestError } from '@nats-io/transport-node';

import { openWatermarkStore, type NatsKvConfig, type WatermarkLogger, type WatermarkStore } from '../../src/store.js';
import { startNatsCluster, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';

/** A running backend: one server, or three of them with every bucket on all three. */
export interface Backend extends AsyncDisposable {
    readonly urls: readonly string[];
    readonly replicas: number;
}

const { newest, oldest } = natsServers();

/** What every promise of the API is tested on. */
export const backends: readonly { readonly name: string; readonly start: () => Promise<Backend> }[] = [
    { name: `nats-server ${newest.version}`, start: () => single(newest.path) },
    { name: `nats-server ${oldest.version}`, start: () => single(oldest.path) },
    { name: `nats-server ${newest.version}, three nodes`, start: () => cluster(newest.path) },
    { name: `nats-server ${oldest.version}, three nodes`, start: () => cluster(oldest.path) }
];

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

/** What was logged, for tests that expect it. */
export interface RecordedLog extends WatermarkLogger {
    readonly warnings: string[];
    readonly errors: { readonly message: string; readonly error: unknown }[];
}

export function recordLog(): RecordedLog {
    const warnings: string[] = [];
    const errors: { message: string; error: unknown }[] = [];
    return {
        warnings,
        errors,
        warn: message => warnings.push(message),
        error: (message, error) => errors.push({ message, error })
    };
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

/** The error with which a call is rejected; fails the test if it is not. */
export async function rejectionOf(call: Promise<unknown>): Promise<Error> {
    const outcome = await call.then(
        value => ({ value }),
        (error: unknown) => ({ error })
    );
    if ('error' in outcome && outcome.error instanceof Error) {
        return outcome.error;
    }
    throw new Error(`Expected a rejection with an Error, got ${JSON.stringify(outcome)}`);
}

/** Resolves as soon as `condition` holds, looking each 5 ms; rejects after `timeoutMs`, saying what was awaited. */
export async function eventually(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (!condition()) {
        if (performance.now() > until) {
            throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
        }
        await new Promise(resolve => setTimeout(resolve, 5));
    }
}

/**
 * Repeats what a plain client does until its node knows the bucket: in a cluster, another node than the creator's learns
 * of it a moment later, and plain clients don't wait for that.
 */
export async function onceReachable<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
        try {
            return await run();
        } catch (error) {
            if (!(error instanceof Error && error.cause instanceof RequestError && error.cause.isNoResponders())) {
                throw error;
            }
        }
        await new Promise(resolve => setTimeout(resolve, 20));
    }
}
