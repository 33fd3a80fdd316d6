import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type NatsKvConfig, openWatermarkStore, WatermarkErrorCode } from '../../src/store.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { type Backend, backends, openOn, recordLog, rejectionOf, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();
const NANOS_PER_MS = 1_000_000;

/** Asks JetStream for something, as any tool would; fails the test if it is refused. */
async function ask(nc: NatsConnection, subject: string, request: unknown = {}): Promise<void> {
    const answer = await nc.request(`$JS.API.${subject}`, JSON.stringify(request), { timeout: 10_000 });
    expect(answer.json()).not.toHaveProperty('error');
}

/** Makes a bucket as another program might have: like ours, but for some settings. */
async function makeBucket(nc: NatsConnection, bucket: string, settings: object): Promise<void> {
    await ask(nc, `STREAM.CREATE.KV_${bucket}`, {
        name: `KV_${bucket}`,
        subjects: [`$KV.${bucket}.>`],
        max_msgs_per_subject: 1,
        discard: 'new',
        allow_rollup_hdrs: true,
        deny_delete: true,
        allow_direct: true,
        ...settings
    });
}

describe.each(backends)('$name', ({ start }) => {
    let backend: Backend;
    beforeAll(async () => {
        backend = await start();
    });
    afterAll(() => backend[Symbol.asyncDispose]());

    test('eight instances that create the bucket at once all get it', async () => {
        for (let round = 0; round < 3; round += 1) {
            const bucket = uniqueBucket();
            const stores = await Promise.all(Array.from({ length: 8 }, () => openOn(backend, { bucket })));
            await Promise.all(stores.map((store, index) => store.watermarks.set(`key-${index}`, 'v1')));
            expect((await stores[0]?.watermarks.getAll())?.size).toBe(8);
            await Promise.all(stores.map(store => store.close()));
        }
    });

    test('instances that ask for different settings at once share one bucket, and the others are told', async () => {
        const bucket = uniqueBucket();
        const logger = recordLog();
        const open = (history: number) => openOn(backend, { bucket, history, logger });
        const stores = await Promise.all([1, 2, 3, 4].map(open));
        expect(logger.warnings).toHaveLength(3);
        expect(logger.warnings[0]).toMatch(/^KV bucket "test-[^"]+": history is \d instead of \d: /);
        await Promise.all(stores.map(store => store.close()));
    });

    test('a bucket that is deleted while it is in use is not made again', async () => {
        const bucket = uniqueBucket();
        await using store = await openOn(backend, { bucket, timeoutMs: 5_000 });
        await store.watermarks.set('users', 'v1');
        const nc = await connect({ servers: [...backend.urls] });
        await ask(nc, `STREAM.DELETE.KV_${bucket}`);
        const { watermarks } = store;
        const calls = {
            get: () => watermarks.get('users'),
            set: () => watermarks.set('users', 'v2'),
            create: () => watermarks.create('orders', 'v1'),
            compareAndSet: () => watermarks.compareAndSet('users', 1, 'v2'),
            advance: () => watermarks.advance('users', 'v2'),
            getMany: () => watermarks.getMany(['users']),
            getAll: () => watermarks.getAll(),
            history: () => watermarks.history('users'),
            watch: () => watermarks.watch('users', () => {}),
            delete: () => watermarks.delete('users')
        };
        for (const [name, call] of Object.entries(calls)) {
            const error = await rejectionOf(call());
            expect({ name, error }).toMatchObject({ name, error: { code: WatermarkErrorCode.BUCKET_NOT_FOUND } });
        }
        const info = await nc.request(`$JS.API.STREAM.INFO.KV_${bucket}`);
        expect(info.json()).toMatchObject({ error: { err_code: 10059 } });
        await nc.close();
    });
});

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    let server: NatsServer;
    let nc: NatsConnection;
    beforeAll(async () => {
        server = await startNatsServer({ binary });
        nc = await connect({ servers: server.url });
    });
    afterAll(async () => {
        await nc.close();
        await server.stop();
    });

    test('a bucket that is missing under require: says the command that makes it, and makes nothing', async () => {
        const options: NatsKvConfig = { servers: [server.url], bucket: 'zero-watermarks', bucketPolicy: 'require' };
        const startedAt = performance.now();
        const error = await rejectionOf(openWatermarkStore(options));
        expect(performance.now() - startedAt).toBeLessThan(2_000);
        expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_NOT_FOUND, retryable: false });
        expect(error.message).toContain('nats kv add zero-watermarks --replicas=3');
        expect((await nc.request('$JS.API.STREAM.INFO.KV_zero-watermarks')).json()).toHaveProperty('error');
    });

    test('a bucket that is there is taken under require', async () => {
        const bucket = uniqueBucket();
        await makeBucket(nc, bucket, {});
        const logger = recordLog();
        const options: NatsKvConfig = { servers: [server.url], bucket, bucketPolicy: 'require', logger };
        await using store = await openWatermarkStore(options);
        await store.watermarks.set('users', 'v1');
        expect(logger.warnings).toEqual([]);
    });

    test('settings that differ are logged, each with what follows from it', async () => {
        const bucket = uniqueBucket();
        await makeBucket(nc, bucket, { max_msgs_per_subject: 10, storage: 'memory', discard: 'old', max_bytes: 1e6 });
        const logger = recordLog();
        await using store = await openWatermarkStore({ servers: [server.url], bucket, replicas: 3, logger });
        await store.watermarks.set('users', 'v1');
        const named = `KV bucket "${bucket}": `;
        const edit = `(to mend it: nats stream edit KV_${bucket}`;
        expect(logger.warnings).toEqual([
            `${named}discard is old instead of new: a full bucket drops its oldest watermarks without a word ${edit} --discard=new).`,
            `${named}replicas is 1 instead of 3: without its only server nothing can be read or written, ` +
                `and with its disk all is lost ${edit} --replicas=3).`,
            `${named}storage is memory instead of file: all watermarks are lost when the servers restart ` +
                '(to mend it: export what it holds (docs/moving.md), then ' +
                `nats kv del ${bucket} && nats kv add ${bucket} --storage=file --replicas=3).`,
            `${named}history is 10 instead of 1: history() gives as many revisions as the bucket keeps ` +
                `${edit} --max-msgs-per-subject=1).`
        ]);
    });

    test.each([
        ['a limited life', { max_age: 3_600_000 * NANOS_PER_MS }, {}, 'ttlMs is 3600000 instead of 0'],
        [
            'small records',
            { max_msg_size: 1_000 },
            { maxValueSizeBytes: 4_000 },
            'maxValueSizeBytes is 1000 instead of 4000'
        ],
        ['hardly any room', { max_msg_size: 100 }, {}, 'maxValueSizeBytes is 100 instead of 256'],
        ['other subjects', { subjects: ['orders.>'] }, {}, 'subjects is orders.> instead of'],
        ['a work queue', { retention: 'workqueue' }, {}, 'retention is workqueue instead of limits'],
        ['no acknowledgements', { no_ack: true }, {}, 'no_ack is true instead of false']
    ])('a bucket with %s is refused', async (_, settings, options, difference) => {
        const bucket = uniqueBucket();
        await makeBucket(nc, bucket, settings);
        const startedAt = performance.now();
        const error = await rejectionOf(openWatermarkStore({ servers: [server.url], bucket, ...options }));
        expect(performance.now() - startedAt).toBeLessThan(2_000);
        expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_MISMATCH, retryable: false });
        expect(error.message).toContain(`The KV bucket "${bucket}" has settings that break promises: ${difference}`);
        expect(error.message).toMatch(new RegExp(`to mend it: nats (stream edit KV_|kv del )${bucket} `));
        await ask(nc, `STREAM.DELETE.KV_${bucket}`);
    });

    test('a mirror is refused', async () => {
        const bucket = uniqueBucket();
        await makeBucket(nc, bucket, {});
        const mirror = { name: `KV_${bucket}` };
        await makeBucket(nc, `${bucket}-mirror`, { mirror, subjects: undefined });
        const error = await rejectionOf(openWatermarkStore({ servers: [server.url], bucket: `${bucket}-mirror` }));
        expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_MISMATCH });
        expect(error.message).toContain(`mirror is KV_${bucket} instead of none`);
    });

    test('a sealed bucket is refused', async () => {
        const bucket = uniqueBucket();
        await makeBucket(nc, bucket, {});
        const sealed = { name: `KV_${bucket}`, subjects: [`$KV.${bucket}.>`], sealed: true, deny_delete: true };
        await ask(nc, `STREAM.UPDATE.KV_${bucket}`, {
            ...sealed,
            max_msgs_per_subject: 1,
            discard: 'new',
            allow_direct: true
        });
        const error = await rejectionOf(openWatermarkStore({ servers: [server.url], bucket }));
        expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_MISMATCH });
        expect(error.message).toContain('sealed is true instead of false: nothing can be written');
    });

    test('more replicas than a single server can keep: says so at once', async () => {
        const startedAt = performance.now();
        const error = await rejectionOf(
            openWatermarkStore({ servers: [server.url], bucket: uniqueBucket(), replicas: 3 })
        );
        expect(performance.now() - startedAt).toBeLessThan(2_000);
        expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
        expect(error.message).toMatch(
            /JetStream error 10074\)\. Set replicas to 1, or let the servers form a cluster\.$/
        );
    });
});
