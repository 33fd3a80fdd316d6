import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';

import { type NatsKvConfig, openWatermarkStore, type WatermarkService, WatermarkErrorCode } from '../../src/store.js';
import { startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { rejectionOf, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();
const data = { padding: 'x'.repeat(10_000) };

/** Writes one key after another until one is refused; that one's error. */
async function fill(watermarks: WatermarkService): Promise<Error> {
    for (let index = 0; index < 1_000; index += 1) {
        const outcome = await watermarks.set(`key-${index}`, 'v1', data).then(
            () => undefined,
            (error: unknown) => error
        );
        if (outcome instanceof Error) {
            return outcome;
        }
    }
    throw new Error('The limit was not reached.');
}

/** What is full refuses writes quickly, with the server's reason, and keeps what it has. */
async function expectFull(options: NatsKvConfig, reason: string): Promise<void> {
    await using store = await openWatermarkStore(options);
    const { watermarks } = store;
    const revision = await watermarks.create('users', 'v1');
    const error = await fill(watermarks);
    const startedAt = performance.now();
    const writes = [
        () => watermarks.set('users', 'v2', data),
        () => watermarks.compareAndSet('users', revision, 'v2', data),
        () => watermarks.advance('users', 'v2', data),
        () => watermarks.create('orders', 'v2', data)
    ];
    for (const refused of [error, ...(await Promise.all(writes.map(write => rejectionOf(write()))))]) {
        expect(refused).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
        expect(refused.message).toBe(
            `The NATS server refused a request for the KV bucket "${options.bucket}": ${reason}`
        );
    }
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await watermarks.get('users')).toMatchObject({ version: 'v1', revision });
    expect(await watermarks.get('orders')).toBeNull();
    expect(await watermarks.history('users')).toHaveLength(1);
}

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    test("the server's file store is full", async () => {
        await using server = await startNatsServer({ binary, jetstreamOptions: { maxFileStoreBytes: 200_000 } });
        await expectFull(
            { servers: [server.url], bucket: uniqueBucket() },
            "insufficient resources (JetStream error 10023). Raise the server's max_file_store (max_memory_store), or make room."
        );
    });

    test("the account's limit is reached", async () => {
        const config = `accounts { A: { jetstream: { max_file: 200000 }, users: [{ user: a-user, password: a-password }] } }`;
        await using server = await startNatsServer({ binary, config });
        await expectFull(
            { servers: [server.url], bucket: uniqueBucket(), user: 'a-user', pass: 'a-password' },
            'resource limits exceeded for account (JetStream error 10002). ' +
                'Raise the limits of the account (max_file, max_mem), or make room.'
        );
    });

    test("the bucket's limit is reached", async () => {
        await using server = await startNatsServer({ binary });
        const bucket = uniqueBucket();
        const options = { servers: [server.url], bucket };
        await (await openWatermarkStore(options)).close();
        const nc = await connect(options);
        const info = await nc.request(`$JS.API.STREAM.INFO.KV_${bucket}`);
        const { config } = info.json<{ config: object }>();
        await nc.request(`$JS.API.STREAM.UPDATE.KV_${bucket}`, JSON.stringify({ ...config, max_bytes: 200_000 }));
        await nc.close();
        await expectFull(
            options,
            'maximum bytes exceeded (JetStream error 10077). Raise max_bytes of the bucket (nats stream edit), or make room.'
        );
    });

    test('the account may have no more streams: the bucket is not made, and it is said why', async () => {
        const config = `accounts { A: { jetstream: { max_streams: 1 }, users: [{ user: a-user, password: a-password }] } }`;
        await using server = await startNatsServer({ binary, config });
        const options = { servers: [server.url], user: 'a-user', pass: 'a-password' };
        await using store = await openWatermarkStore({ ...options, bucket: uniqueBucket() });
        await store.watermarks.set('users', 'v1');
        const error = await rejectionOf(openWatermarkStore({ ...options, bucket: uniqueBucket() }));
        expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
        expect(error.message).toMatch(
            /maximum number of streams reached \(JetStream error 10027\)\. Raise max_streams/
        );
    });
});
