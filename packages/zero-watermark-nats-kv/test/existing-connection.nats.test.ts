import { queryObjects } from 'node:v8';

import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect, test } from 'vitest';

import { Connection } from '../src/connection.js';
import { Feed } from '../src/feed.js';
import { NatsKvResumeTokenService } from '../src/nats-kv-resume-token.service.js';
import { NatsKvWatermarkService } from '../src/nats-kv-watermark.service.js';
import { openWatermarkStore, WatermarkErrorCode } from '../src/store.js';
import { startNatsServer, startTcpProxy } from '../src/testing.js';
import { natsServers } from './nats-binaries.js';
import { eventually, recordLog, rejectionOf, uniqueBucket } from './support/backends.js';
import { connectionsOf } from './support/monitor.js';

const { newest } = natsServers();

const STORES = 20;

/** What the client holds on to for others; its types don't tell. */
function heldBy(connection: NatsConnection): { readonly statusListeners: number; readonly subscriptions: number } {
    const { protocol } = connection as unknown as {
        protocol: { readonly listeners: readonly unknown[]; readonly subscriptions: { size(): number } };
    };
    return { statusListeners: protocol.listeners.length, subscriptions: protocol.subscriptions.size() };
}

/** How many objects of the classes that a store is made of are reachable. */
function storeObjects(): number[] {
    return [Connection, NatsKvWatermarkService, NatsKvResumeTokenService, Feed].map(made =>
        queryObjects(made, { format: 'count' })
    );
}

/** Opens a store, uses everything that listens on its connection, and closes it. */
async function openUseAndClose(connection: NatsConnection, bucket: string): Promise<void> {
    const store = await openWatermarkStore({ connection, bucket, logger: recordLog() });
    const { watermarks, resumeTokens } = store;
    await watermarks.watch('users', () => {});
    // Not asked for more: whoever was told of an event may take any time for it.
    await watermarks.watchAll({ includeCurrent: true })[Symbol.asyncIterator]().next();
    await watermarks.view().ready;
    await watermarks.set('users', 'v1');
    await watermarks.getAll();
    await resumeTokens.acknowledge('s', await resumeTokens.getOrCreateWatermark('s', 'token'));
    await store.close();
}

test('of stores that were closed nothing stays on the connection of the application', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    const connection = await connect({ servers: server.url, name: 'of the application' });
    const bucket = uniqueBucket();
    await openUseAndClose(connection, bucket);
    const before = heldBy(connection);
    expect(before).toEqual({ statusListeners: 0, subscriptions: 0 });

    for (let opened = 0; opened < STORES; opened += 1) {
        await openUseAndClose(connection, bucket);
        const failing = openWatermarkStore({ connection, bucket: uniqueBucket(), bucketPolicy: 'require' });
        expect(await rejectionOf(failing)).toMatchObject({ code: WatermarkErrorCode.BUCKET_NOT_FOUND });
    }
    expect(heldBy(connection)).toEqual(before);
    // A timer or an answer that is under way may keep the last ones for a moment, and the engine one for longer.
    const mostOfOneClass = () => Math.max(...storeObjects());
    await expect.poll(mostOfOneClass, { timeout: 20_000, interval: 500 }).toBeLessThan(3);
    await connection.close();
});

test('a watchAll that is being opened when its store is closed leaves no subscription on the connection', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using proxy = await startTcpProxy({ target: server });
    const connection = await connect({ servers: proxy.url, name: 'of the application' });
    const store = await openWatermarkStore({ connection, bucket: uniqueBucket() });
    proxy.delay(100);
    const ended = store.watermarks.watchAll({ includeCurrent: true })[Symbol.asyncIterator]().next();
    await store.close();
    expect(await ended).toEqual({ done: true, value: undefined });
    await eventually('the connection holds nothing of the store', () => heldBy(connection).subscriptions === 0);
    await expect.poll(() => connectionsOf(server)).toEqual([{ name: 'of the application', subscriptions: [] }]);
    await connection.close();
});

test('a store notices that the application closed its connection, also while it waits for the servers', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using proxy = await startTcpProxy({ target: server });
    const connection = await connect({ servers: proxy.url, maxReconnectAttempts: -1 });
    await using store = await openWatermarkStore({ connection, bucket: uniqueBucket(), timeoutMs: 30_000 });
    proxy.cut();
    const waiting = rejectionOf(store.watermarks.get('users'));
    const startedAt = performance.now();
    await connection.close();
    expect(await waiting).toMatchObject({ code: WatermarkErrorCode.CLOSED });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
});
