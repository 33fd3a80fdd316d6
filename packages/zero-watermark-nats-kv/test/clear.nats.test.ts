import { connect } from '@nats-io/transport-node';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { WatermarkEvent } from '../src/store.js';
import {
    type Backend,
    backends,
    eventually,
    onceReachable,
    openOn,
    recordLog,
    uniqueBucket
} from './support/backends.js';

describe.each(backends)('clear on $name', ({ start }) => {
    let backend: Backend;
    beforeAll(async () => {
        backend = await start();
    });
    afterAll(async () => {
        await backend[Symbol.asyncDispose]();
    });

    describe('watermarks', () => {
        test('all are gone, also for other instances; revisions go on, and keys can be made again', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            await using other = await openOn(backend, { bucket });
            for (const key of ['users', 'orders', 'ü/ü', '']) {
                await store.watermarks.set(key, 'v1');
            }
            const { revision = 0 } = (await store.watermarks.get('')) ?? {};
            await store.watermarks.clear();
            expect(await store.watermarks.getAll()).toEqual(new Map());
            expect(await other.watermarks.get('users')).toBeNull();
            expect(await other.watermarks.create('users', 'v2')).toBeGreaterThan(revision + 3);
        });

        test('of an empty bucket changes nothing', async () => {
            await using store = await openOn(backend);
            await store.watermarks.clear();
            expect(await store.watermarks.create('users', 'v1')).toBe(1);
        });

        test('watches see each of them deleted, once', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            await using other = await openOn(backend, { bucket });
            const keys = ['a', 'b', 'c'];
            await Promise.all(keys.map(key => store.watermarks.set(key, 'v1')));
            await store.watermarks.delete('c');
            const deleted: string[] = [];
            await other.watermarks.watch('a', () => {}, { onDelete: ({ key }) => deleted.push(`watch ${key}`) });
            const controller = new AbortController();
            const events: WatermarkEvent[] = [];
            const watching = (async () => {
                const { signal } = controller;
                for await (const event of other.watermarks.watchAll({ includeCurrent: true, signal })) {
                    events.push(event);
                }
            })();
            await eventually('what is there', () => events.some(({ type }) => type === 'current-complete'));
            await store.watermarks.clear();
            await store.watermarks.set('d', 'v1');
            await eventually('the end', () => events.some(e => e.type === 'set' && e.watermark.key === 'd'));
            controller.abort();
            await watching;
            const gone = events.flatMap(event => (event.type === 'delete' ? [event.key] : []));
            expect(gone.filter(key => key !== 'c').toSorted()).toEqual(['a', 'b']);
            expect(deleted).toEqual(['watch a']);
        });

        test('2,500 of them', async () => {
            await using store = await openOn(backend);
            await Promise.all(Array.from({ length: 2_500 }, (_, index) => store.watermarks.set(`key-${index}`, 'v1')));
            await store.watermarks.clear();
            expect((await store.watermarks.getAll()).size).toBe(0);
        });

        test('what this library did not write stays, and is logged', async () => {
            const bucket = uniqueBucket();
            const logger = recordLog();
            await using store = await openOn(backend, { bucket, logger });
            await store.watermarks.set('users', 'v1');
            const nc = await connect({ servers: [...backend.urls] });
            const kv = await new Kvm(nc).open(bucket);
            await onceReachable(() => kv.put('theirs', 'garbage'));
            await store.watermarks.clear();
            expect((await kv.get('theirs'))?.string()).toBe('garbage');
            expect((await kv.get('users'))?.operation).toBe('DEL');
            expect(logger.warnings.filter(line => line.includes('"theirs"'))).toHaveLength(1);
            await nc.close();
        });
    });

    describe('resume tokens', () => {
        test('of every shard are gone, and no number is given out again', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            await using other = await openOn(backend, { bucket });
            await using neighbour = await openOn(backend, { bucket: `${bucket}x` });
            const shards = ['app-0', 'a b/ü'];
            const before = new Map<string, string>();
            for (const shard of shards) {
                await store.resumeTokens.getOrCreateWatermark(shard, 'first');
                before.set(shard, await store.resumeTokens.getOrCreateWatermark(shard, 'second'));
            }
            const kept = await neighbour.resumeTokens.getOrCreateWatermark('app-0', 'first');

            // The other instance has opened none of them.
            await other.resumeTokens.clear();

            for (const shard of shards) {
                const watermark = before.get(shard) ?? '';
                expect(await other.resumeTokens.head(shard)).toBeNull();
                expect(await store.resumeTokens.getResumeToken(shard, watermark)).toBeUndefined();
                expect(await store.resumeTokens.resume(shard, watermark)).toMatchObject({
                    kind: 'reset-required',
                    reason: 'pruned'
                });
                expect((await store.resumeTokens.getOrCreateWatermark(shard, 'second')) > watermark).toBe(true);
            }
            expect(await neighbour.resumeTokens.getResumeToken('app-0', kept)).toBe('first');
        });

        test('without a shard there is nothing to do', async () => {
            await using store = await openOn(backend);
            await store.resumeTokens.clear();
            expect(await store.resumeTokens.head('app-0')).toBeNull();
        });
    });
});
