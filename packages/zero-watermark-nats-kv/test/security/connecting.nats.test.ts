import { createServer, type Server } from 'node:net';

import { connect, credsAuthenticator, type NodeConnectionOptions } from '@nats-io/transport-node';
import { afterEach, describe, expect, test } from 'vitest';

import { InvalidOptionsError, openWatermarkStore, WatermarkErrorCode } from '../../src/store.js';
import { startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { makeJwtAuthority } from '../support/auth.js';
import { eventually, rejectionOf, uniqueBucket } from '../support/backends.js';
import { connectionsOf } from '../support/monitor.js';

const { newest, oldest } = natsServers();

/** Servers that take connections and never say a word. */
const silent: Server[] = [];
afterEach(() => {
    for (const server of silent.splice(0)) {
        server.close();
    }
});

async function startSilentServer(): Promise<string> {
    const server = createServer();
    silent.push(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `nats://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

async function expectUnavailable(servers: string[], connectTimeoutMs: number): Promise<Error> {
    const startedAt = performance.now();
    const error = await rejectionOf(openWatermarkStore({ servers, bucket: 'b', connectTimeoutMs }));
    const took = performance.now() - startedAt;
    expect(took).toBeGreaterThan(connectTimeoutMs - 10);
    expect(took).toBeLessThan(connectTimeoutMs + 1_000);
    expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE, retryable: true });
    expect(error.message).toContain(`No NATS server answered within ${connectTimeoutMs} ms at ${servers.join(', ')} (`);
    return error;
}

describe('servers that cannot be reached', () => {
    test('nobody listens: UNAVAILABLE when the time is over, with all addresses and the reason', async () => {
        const free = await startNatsServer({ binary: newest.path });
        await free.stop();
        const error = await expectUnavailable([free.url, `${free.url}/`], 1_000);
        expect(error.message).toContain('(connection refused)');
    });

    test('servers that are silent take no longer, however many they are', async () => {
        const servers = await Promise.all([startSilentServer(), startSilentServer(), startSilentServer()]);
        const error = await expectUnavailable(servers, 1_000);
        expect(error.message).toContain('(timeout)');
    });

    test('a name that does not exist', async () => {
        const error = await expectUnavailable(['nats://nats.invalid:4222'], 500);
        expect(error.message).toContain('nats.invalid');
    });

    test('a server that comes up meanwhile is found', async () => {
        await using server = await startNatsServer({ binary: newest.path });
        await server.kill();
        const opening = openWatermarkStore({ servers: [server.url], bucket: uniqueBucket() });
        await server.restart();
        await using store = await opening;
        await store.watermarks.set('users', 'v1');
    });

    test('a server that is silent does not keep one that works from being found', async () => {
        await using server = await startNatsServer({ binary: newest.path });
        const servers = [await startSilentServer(), server.url];
        await using store = await openWatermarkStore({ servers, bucket: uniqueBucket() });
        expect(await store.watermarks.get('users')).toBeNull();
    });

    test('what the client refuses about its own options is said at once', async () => {
        const connection = { reconnectDelayHandler: 'no function' } as unknown as NodeConnectionOptions;
        const error = await rejectionOf(
            openWatermarkStore({ servers: ['nats://127.0.0.1:1'], bucket: 'b', connection })
        );
        expect(error).toBeInstanceOf(InvalidOptionsError);
        expect(error.message).toContain("connection: 'reconnectDelayHandler' must be a function");
    });
});

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    test('without JetStream: says so and how to enable it, without waiting long', async () => {
        await using server = await startNatsServer({ binary, jetstream: false });
        const startedAt = performance.now();
        const error = await rejectionOf(openWatermarkStore({ servers: [server.url], bucket: 'b' }));
        expect(performance.now() - startedAt).toBeLessThan(4_000);
        expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
        expect(error.message).toBe(
            'JetStream is not enabled on the NATS server. ' +
                'Start it with "nats-server -js", or add "jetstream {}" to its configuration.'
        );
        await expect.poll(() => connectionsOf(server)).toEqual([]);
    });

    test('an account without JetStream: says so at once', async () => {
        const config = `accounts {
            WITHOUT: { users: [{ user: without, password: jetstream }] }
            WITH: { jetstream: enabled, users: [{ user: with, password: jetstream }] }
        }`;
        await using server = await startNatsServer({ binary, config });
        const startedAt = performance.now();
        const options = { servers: [server.url], bucket: 'b', user: 'without', pass: 'jetstream' };
        const error = await rejectionOf(openWatermarkStore(options));
        expect(performance.now() - startedAt).toBeLessThan(2_000);
        expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
        expect(error.message).toBe(
            'JetStream is not enabled for this account on the NATS server. ' +
                'Add "jetstream: enabled" to the account in the server configuration.'
        );
    });

    test('a JWT account without JetStream: says so at once', async () => {
        const authority = await makeJwtAuthority({ jetstream: false });
        await using server = await startNatsServer({ binary, config: authority.serverConfig });
        const { credentials } = await authority.issue();
        const authenticator = credsAuthenticator(new TextEncoder().encode(credentials));
        const options = { servers: [server.url], bucket: 'b', connection: { authenticator } };
        const error = await rejectionOf(openWatermarkStore(options));
        expect(error.message).toContain('JetStream is not enabled for this account');
    });

    test('an existing connection works and is never closed here', async () => {
        await using server = await startNatsServer({ binary });
        const connection = await connect({ servers: server.url, name: 'of the application', inboxPrefix: '_MINE' });
        const bucket = uniqueBucket();
        const store = await openWatermarkStore({ connection, bucket });
        const seen: string[] = [];
        await store.watermarks.watch('users', watermark => seen.push(watermark.version));
        await store.watermarks.set('users', 'v1');
        await eventually('the watch reports it', () => seen.length === 1);
        await store.close();
        expect(connection.isClosed()).toBe(false);
        expect(await rejectionOf(store.watermarks.get('users'))).toMatchObject({ code: WatermarkErrorCode.CLOSED });

        // Neither does a start that fails.
        const failing = openWatermarkStore({ connection, bucket: uniqueBucket(), bucketPolicy: 'require' });
        expect(await rejectionOf(failing)).toMatchObject({ code: WatermarkErrorCode.BUCKET_NOT_FOUND });
        expect(connection.isClosed()).toBe(false);
        await connection.flush();
        // Nothing is left of the store but what the application has itself.
        await expect.poll(() => connectionsOf(server)).toEqual([{ name: 'of the application', subscriptions: [] }]);
        await connection.close();
        expect(await rejectionOf(openWatermarkStore({ connection, bucket }))).toBeInstanceOf(InvalidOptionsError);
    });

    test('closing leaves no connection, and may be asked for more than once at a time', async () => {
        await using server = await startNatsServer({ binary });
        const store = await openWatermarkStore({ servers: [server.url], bucket: uniqueBucket(), name: 'my app' });
        await store.watermarks.watch('users', () => {});
        await expect.poll(() => connectionsOf(server)).toMatchObject([{ name: 'my app' }]);
        await Promise.all([store.close(), store.close()]);
        await store.close();
        await expect.poll(() => connectionsOf(server)).toEqual([]);
    });
});

test('closing ends soon when the server hangs, and when it is gone', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    const hanging = await openWatermarkStore({ servers: [server.url], bucket: uniqueBucket() });
    const cutOff = await openWatermarkStore({ servers: [server.url], bucket: uniqueBucket() });
    server.pause();
    const startedAt = performance.now();
    await hanging.close();
    expect(performance.now() - startedAt).toBeLessThan(7_000);
    await server.kill();
    await cutOff.close();
    expect(performance.now() - startedAt).toBeLessThan(14_000);
});
