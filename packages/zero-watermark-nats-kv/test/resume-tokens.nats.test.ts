import { Kvm } from '@nats-io/kv';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type LexiVersion, WatermarkErrorCode } from '../src/store.js';
import { type Backend, backends, openOn, rejectionOf, uniqueBucket } from './support/backends.js';

function expectGrowing(watermarks: readonly LexiVersion[]): void {
    expect(watermarks).toEqual([...new Set(watermarks)].toSorted());
}

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/* What only NATS has; the promises of every backend are tested by the conformance suite, in `conformance/`. */

describe.each(backends)('resume tokens on $name', ({ start }) => {
    let backend: Backend;
    let nc: NatsConnection;

    beforeAll(async () => {
        backend = await start();
        nc = await connect({ servers: [...backend.urls] });
    });
    afterAll(async () => {
        await nc.close();
        await backend[Symbol.asyncDispose]();
    });

    async function streamOf(bucket: string, shard = 's') {
        const jsm = await jetstreamManager(nc, { timeout: 10_000 });
        return { jsm, stream: `KV_${bucket}-tokens-${shard}` };
    }

    describe('one watermark a token', () => {
        test('2,500 at once, and their replay by another instance', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket });
            await using two = await openOn(backend, { bucket });
            const tokens = named('bulk-', 2_500);
            const watermarks = await one.resumeTokens.getOrCreateWatermarks('s', tokens);
            expectGrowing(watermarks);
            expect(await two.resumeTokens.getOrCreateWatermarks('s', tokens)).toEqual(watermarks);
        });

        test('one message a token, and nothing else', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            await store.resumeTokens.getOrCreateWatermarks('s', named('t', 500));
            await store.resumeTokens.getOrCreateWatermarks('s', named('t', 500));
            const { jsm, stream } = await streamOf(bucket);
            expect((await jsm.streams.info(stream)).state.messages).toBe(500);
        });
    });

    describe('acknowledge', () => {
        test('keeps a busy shard bounded', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket, retainMs: 0, retainTokens: 100 });
            const { jsm, stream } = await streamOf(bucket);
            for (let round = 0; round < 2; round += 1) {
                const watermarks = await store.resumeTokens.getOrCreateWatermarks('s', named(`r${round}-`, 1_000));
                await store.resumeTokens.acknowledge('s', String(watermarks.at(-1)));
                while ((await jsm.streams.info(stream)).state.messages > 101) {
                    await new Promise(resolve => setTimeout(resolve, 50));
                }
            }
        });
    });

    describe('lost history', () => {
        test('an instance whose bucket is wiped while it runs says so, and then goes on with the new one', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            const { jsm, stream } = await streamOf(bucket);
            const before = await store.resumeTokens.getOrCreateWatermark('s', 'a');
            await jsm.streams.delete(stream);
            expect(await rejectionOf(store.resumeTokens.getOrCreateWatermark('s', 'b'))).toMatchObject({
                code: WatermarkErrorCode.BUCKET_NOT_FOUND
            });
            expect(await store.resumeTokens.resume('s', before)).toMatchObject({ reason: 'pruned' });
            expectGrowing([before, await store.resumeTokens.getOrCreateWatermark('s', 'b')]);
        });

        test('an empty stream put in place under a running instance is noticed at the first write', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            const { jsm, stream } = await streamOf(bucket);
            const before = await store.resumeTokens.getOrCreateWatermarks('s', named('t', 20));
            const { config } = await jsm.streams.info(stream);
            await jsm.streams.delete(stream);
            await jsm.streams.add(config);
            const error = await rejectionOf(store.resumeTokens.getOrCreateWatermark('s', 'new'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.HISTORY_LOST });
            const after = await store.resumeTokens.getOrCreateWatermark('s', 'new');
            expectGrowing([...before, after]);
            expect(await store.resumeTokens.resume('s', String(before[0]))).toMatchObject({ reason: 'pruned' });
        });
    });

    describe('provision and policy', () => {
        test('provision makes the buckets; without it, policy require refuses the shard', async () => {
            const bucket = uniqueBucket();
            await using administrator = await openOn(backend, { bucket });
            await administrator.resumeTokens.provision(['one', 'two']);
            const names: string[] = [];
            for await (const status of new Kvm(nc).list()) {
                names.push(status.bucket);
            }
            expect(names).toEqual(expect.arrayContaining([`${bucket}-tokens-one`, `${bucket}-tokens-two`]));
            await using application = await openOn(backend, { bucket, bucketPolicy: 'require' });
            await application.resumeTokens.getOrCreateWatermark('one', 'a');
            const error = await rejectionOf(application.resumeTokens.getOrCreateWatermark('three', 'a'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_NOT_FOUND });
            expect(error.message).toContain(`${bucket}-tokens-three`);
        });
    });
});
