import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openWatermarkStore, type NatsKvConfig, WatermarkErrorCode } from '../src/store.js';
import { type NatsServer, startNatsCluster, startNatsServer } from '../src/testing.js';
import { natsServers } from './nats-binaries.js';
import { Administrator } from './support/administrator.js';
import { recordLog, rejectionOf, uniqueBucket } from './support/backends.js';

const { newest, oldest } = natsServers();

/** Settings that endanger promises, as the server takes them, with what is said of them. */
interface Risk {
    readonly settings: object;
    readonly said: string;
    /** What makes it good again; `undefined`: the server doesn't let that be changed. */
    readonly mended?: object;
}

const risks: readonly Risk[] = [
    { settings: { storage: 'memory' }, said: 'storage is memory instead of file' },
    {
        settings: { discard: 'old', max_bytes: 1_000_000 },
        said: 'discard is old instead of new',
        mended: { discard: 'new', max_bytes: 1_000_000 }
    },
    { settings: { discard: 'old', max_msgs: 1_000 }, said: 'discard is old instead of new', mended: {} },
    { settings: { sources: [{ name: 'KV_origin' }] }, said: 'sources is KV_origin instead of none', mended: {} }
];

/** Settings of which a server before 2.12 knows nothing. */
const newerRisks: readonly Risk[] = [
    { settings: { persist_mode: 'async' }, said: 'persist_mode is async instead of default' }
];

describe.each([newest, oldest])('nats-server $version', ({ path: binary, version }) => {
    let server: NatsServer;
    let administrator: Administrator;
    const isOldest = version === oldest.version && version !== newest.version;
    beforeAll(async () => {
        server = await startNatsServer({ binary });
        administrator = await Administrator.connect([server.url]);
        await administrator.createBucket('origin', {});
    });
    afterAll(async () => {
        await administrator[Symbol.asyncDispose]();
        await server.stop();
    });

    const optionsFor = (bucket: string): NatsKvConfig => ({ servers: [server.url], bucket, bucketPolicy: 'require' });

    test.each([...risks, ...(isOldest ? [] : newerRisks)])(
        'a bucket of watermarks with $settings is used and logged once, and refused under strict',
        async ({ settings, said, mended }) => {
            const bucket = uniqueBucket();
            await administrator.createBucket(bucket, settings);
            const logger = recordLog();
            const store = await openWatermarkStore({ ...optionsFor(bucket), logger });
            await store.watermarks.set('users', 'v1');
            await store.watermarks.set('users', 'v2');
            await store.close();
            expect(logger.warnings).toEqual([expect.stringContaining(said)]);
            expect(logger.warnings[0]).toMatch(/to mend it: .*nats (stream edit KV_|kv del )/);
            expect(logger.warnings[0]).toContain(bucket);

            const strict = { ...optionsFor(bucket), strict: true };
            const error = await rejectionOf(openWatermarkStore(strict));
            expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_MISMATCH, retryable: false });
            expect(error.message).toContain(`settings that break promises: ${said}`);
            if (mended !== undefined) {
                await administrator.changeBucket(bucket, mended);
                await (await openWatermarkStore(strict)).close();
            }
        }
    );

    test.each([...risks, ...(isOldest ? [] : newerRisks)])(
        "a shard's bucket with $settings is used and logged once, and refused under strict",
        async ({ settings, said }) => {
            const bucket = uniqueBucket();
            const shard = `${bucket}-tokens-app-0`;
            await administrator.createBucket(bucket, {});
            await administrator.createBucket(shard, settings);
            const logger = recordLog();
            {
                await using store = await openWatermarkStore({ ...optionsFor(bucket), logger });
                await store.resumeTokens.getOrCreateWatermark('app-0', 'a');
                await store.resumeTokens.getOrCreateWatermark('app-0', 'b');
            }
            expect(logger.warnings).toEqual([expect.stringContaining(`KV bucket "${shard}": ${said}`)]);

            await using store = await openWatermarkStore({ ...optionsFor(bucket), strict: true });
            for (const call of [
                () => store.resumeTokens.provision(['app-0']),
                () => store.resumeTokens.getOrCreateWatermark('app-0', 'c')
            ]) {
                const error = await rejectionOf(call());
                expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_MISMATCH });
                expect(error.message).toContain(`The KV bucket "${shard}" has settings that break promises: ${said}`);
            }
        }
    );

    test('strict names all at once, also what is refused in any case', async () => {
        const bucket = uniqueBucket();
        const settings = { storage: 'memory', discard: 'old', max_msgs: 10, max_age: 3_600_000_000_000 };
        await administrator.createBucket(bucket, settings);
        const error = await rejectionOf(openWatermarkStore({ ...optionsFor(bucket), strict: true, replicas: 3 }));
        for (const setting of ['ttlMs is 3600000', 'discard is old', 'replicas is 1', 'storage is memory']) {
            expect(error.message).toContain(setting);
        }
    });

    test('what a store can never work with is refused without strict too', async () => {
        const bucket = uniqueBucket();
        await administrator.createBucket(bucket, { discard_new_per_subject: true });
        expect((await rejectionOf(openWatermarkStore(optionsFor(bucket)))).message).toContain(
            'discard_new_per_subject'
        );

        const moved = uniqueBucket();
        const transform = { subject_transform: { src: `$KV.${moved}.>`, dest: 'elsewhere.>' } };
        await administrator.createBucket(moved, transform);
        const error = await rejectionOf(openWatermarkStore(optionsFor(moved)));
        expect(error.message).toContain(`nats stream edit KV_${moved} --no-transform`);
    });

    test('a shard whose bucket lets nothing be purged is refused; a bucket of watermarks may be like that', async () => {
        const bucket = uniqueBucket();
        const shard = `${bucket}-tokens-app-0`;
        const settings = { deny_purge: true, allow_rollup_hdrs: false };
        await administrator.createBucket(bucket, settings);
        await administrator.createBucket(shard, settings);
        await using store = await openWatermarkStore({ ...optionsFor(bucket), strict: true });
        await store.watermarks.set('users', 'v1');
        await store.watermarks.clear();
        const error = await rejectionOf(store.resumeTokens.getOrCreateWatermark('app-0', 'a'));
        expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_MISMATCH });
        expect(error.message).toContain('deny_purge is true instead of false');
    });

    test('a bucket that is made here is what strict wants', async () => {
        const logger = recordLog();
        const options = { servers: [server.url], bucket: uniqueBucket(), strict: true, logger };
        await using store = await openWatermarkStore(options);
        await store.watermarks.set('users', 'v1');
        await store.resumeTokens.getOrCreateWatermark('app-0', 'a');
        expect(logger.warnings).toEqual([]);
    });
});

test.each([newest, oldest])('one replica in a cluster of nats-server $version', async ({ path: binary }) => {
    await using cluster = await startNatsCluster(3, { binary });
    const bucket = uniqueBucket();
    const options = { servers: [...cluster.urls], bucket };
    const logger = recordLog();
    {
        await using store = await openWatermarkStore({ ...options, logger });
        await store.watermarks.set('users', 'v1');
        await store.resumeTokens.provision(['app-0']);
    }
    const said = 'replicas is 1 instead of 3: without its only server nothing can be read or written';
    expect(logger.warnings).toEqual([
        expect.stringContaining(`KV bucket "${bucket}": ${said}`),
        expect.stringContaining(`KV bucket "${bucket}-tokens-app-0": ${said}`)
    ]);
    expect(logger.warnings[0]).toContain(`nats stream edit KV_${bucket} --replicas=3`);
    const error = await rejectionOf(openWatermarkStore({ ...options, strict: true }));
    expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_MISMATCH });
    expect(error.message).toContain(said);

    // What the command does.
    await using administrator = await Administrator.connect(options.servers);
    await administrator.changeBucket(bucket, { num_replicas: 3 });
    await using store = await openWatermarkStore({ ...options, strict: true });
    expect((await store.watermarks.get('users'))?.version).toBe('v1');
});
