import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { WatermarkErrorCode } from '../src/store.js';
import {
    type Backend,
    backends,
    eventually,
    onceReachable,
    openOn,
    recordLog,
    rejectionOf,
    uniqueBucket
} from './support/backends.js';

/* What only NATS has; the promises of every backend are tested by the conformance suite, in `conformance/`. */

describe.each(backends)('on $name', ({ start }) => {
    let backend: Backend;
    let nc: NatsConnection;
    let kvm: Kvm;

    beforeAll(async () => {
        backend = await start();
        nc = await connect({ servers: [...backend.urls] });
        kvm = new Kvm(nc);
    });
    afterAll(async () => {
        await nc.close();
        await backend[Symbol.asyncDispose]();
    });

    describe('get', () => {
        test('gives the time of the server, and revisions that are the stream’s', async () => {
            await using store = await openOn(backend);
            const before = Date.now();
            await store.watermarks.set('users', 'v1');
            const watermark = await store.watermarks.get('users');
            expect(watermark?.revision).toBe(1);
            // The same machine, so the same clock, give or take a millisecond.
            expect(watermark?.timestamp).toBeGreaterThanOrEqual(before - 1);
            expect(watermark?.timestamp).toBeLessThanOrEqual(Date.now() + 1);
        });

        test('readConsistency any reads too', async () => {
            await using store = await openOn(backend, { readConsistency: 'any' });
            expect(await store.watermarks.get('users')).toBeNull();
            await store.watermarks.set('users', 'v1', { a: 'ü' });
            let found = await store.watermarks.get('users');
            while (found === null) {
                found = await store.watermarks.get('users');
            }
            expect(found).toMatchObject({ key: 'users', version: 'v1', data: { a: 'ü' }, revision: 1 });
        });
    });

    describe('revisions', () => {
        test('compareAndSet refuses a revision that the bucket never had', async () => {
            await using store = await openOn(backend);
            const first = await store.watermarks.create('users', 'v1');
            const error = await rejectionOf(store.watermarks.compareAndSet('users', first + 1_000, 'v2'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.REVISION_CONFLICT, actualRevision: first });
        });

        test('history goes back as far as the bucket keeps it, of which deletions are a part', async () => {
            await using store = await openOn(backend, { history: 4 });
            for (const version of ['v1', 'v2', 'v3', 'v4']) {
                await store.watermarks.set('users', version);
                await store.watermarks.set('others', version);
            }
            await store.watermarks.delete('users');
            const history = await store.watermarks.history('users');
            expect(history.map(watermark => watermark.version)).toEqual(['v2', 'v3', 'v4']);
            const revisions = history.map(watermark => watermark.revision);
            expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
            expect(await store.watermarks.history('nobody')).toEqual([]);
        });
    });

    describe('what others wrote', () => {
        test('a purge by another client is a deletion too', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            await store.watermarks.set('users', 'v1');
            const kv = await kvm.open(bucket);
            await onceReachable(() => kv.purge('users'));
            expect(await store.watermarks.get('users')).toBeNull();
            expect(await store.watermarks.getAll()).toEqual(new Map());
            expect(await store.watermarks.create('users', 'v2')).toBe(3);
        });

        test('tells of deletions, by whichever client', async () => {
            const bucket = uniqueBucket();
            // With a history, no revision is replaced before a watch on a busy machine comes to it.
            await using store = await openOn(backend, { bucket, history: 5 });
            const log: string[] = [];
            await store.watermarks.watch('users', watermark => log.push(`set ${watermark.revision}`), {
                onDelete: ({ key, revision, timestamp }) => log.push(`delete ${key} ${revision} ${timestamp > 0}`)
            });
            await store.watermarks.set('users', 'v1');
            await store.watermarks.delete('users');
            await store.watermarks.set('users', 'v2');
            const kv = await kvm.open(bucket);
            await onceReachable(() => kv.purge('users'));
            await eventually('four events', () => log.length === 4);
            expect(log).toEqual(['set 1', 'delete users 2 true', 'set 3', 'delete users 4 true']);
        });

        test('a plain KV client reads our records under the same key', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            await store.watermarks.set('tenant/42.users', 'v1', { count: 1 });
            const entry = await (await kvm.open(bucket)).get('tenant/42.users');
            expect(entry?.json()).toEqual({ format: 1, version: 'v1', data: { count: 1 } });
            expect(entry?.revision).toBe(1);
        });

        test('a record that is not ours is named, with the reason, and left as it is', async () => {
            const bucket = uniqueBucket();
            const log = recordLog();
            await using store = await openOn(backend, { bucket, logger: log });
            await store.watermarks.set('good', 'v1');
            const kv = await kvm.open(bucket);
            const revision = await onceReachable(() => kv.put('users', 'garbage'));
            const error = await rejectionOf(store.watermarks.advance('users', 'v1'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.CORRUPT_RECORD, key: 'users', revision });
            await store.watermarks.getAll();
            expect(log.warnings.join()).toMatch(/"users" at revision \d+ is not a watermark: it is not JSON/);
            expect((await kv.get('users'))?.string()).toBe('garbage');
        });

        test('an existing bucket is used as it is', async () => {
            const bucket = uniqueBucket();
            await kvm.create(bucket, { history: 3, replicas: backend.replicas });
            const log = recordLog();
            await using store = await openOn(backend, { bucket, history: 3, logger: log });
            await store.watermarks.set('users', 'v1');
            expect(log.warnings).toEqual([]);
        });
    });

    describe('watchAll', () => {
        test('a slow consumer holds the server back, and misses nothing', async () => {
            await using store = await openOn(backend, { history: 1 });
            const text = 'x'.repeat(20_000);
            await Promise.all(
                Array.from({ length: 1_000 }, (_, i) => store.watermarks.set(`key.${i}`, 'v1', { text }))
            );
            const keys = new Set<string>();
            for await (const event of store.watermarks.watchAll({ includeCurrent: true })) {
                if (event.type === 'current-complete') {
                    break;
                }
                if (event.type === 'set') {
                    keys.add(event.watermark.key);
                    // Lets the socket be read between two events, so that all would be buffered if nothing held it back.
                    await new Promise(resolve => setImmediate(resolve));
                }
            }
            expect(keys.size).toBe(1_000);
        });
    });

    describe('limits', () => {
        test('a record that is too large is refused before it is sent, with both sizes', async () => {
            await using store = await openOn(backend, { maxValueSizeBytes: 4_096 });
            await store.watermarks.set('users', 'v1');
            const error = await rejectionOf(store.watermarks.set('users', 'v2', { text: 'x'.repeat(5_000) }));
            expect(error).toMatchObject({ code: WatermarkErrorCode.VALUE_TOO_LARGE });
            expect(error.message).toMatch(/5\d{3} bytes.*at most 3936/);
            expect((await store.watermarks.get('users'))?.version).toBe('v1');
        });

        test('a record of just the size that is allowed is stored by every write', async () => {
            await using store = await openOn(backend, { maxValueSizeBytes: 4_096 });
            const text = 'x'.repeat(3_936 - '{"format":1,"version":"v1","data":{"text":""}}'.length);
            await store.watermarks.set('users', 'v1', { text });
            const { revision } = (await store.watermarks.get('users')) ?? { revision: 0 };
            await store.watermarks.compareAndSet('users', revision, 'v1', { text });
            const error = await rejectionOf(store.watermarks.set('users', 'v1', { text: `${text}x` }));
            expect(error).toMatchObject({ code: WatermarkErrorCode.VALUE_TOO_LARGE });
        });

        test('the largest record of the server is a megabyte, less the headers', async () => {
            await using store = await openOn(backend);
            await store.watermarks.set('users', 'v1', { text: 'x'.repeat(1_048_000) });
            expect((await store.watermarks.get('users'))?.data?.['text']).toHaveLength(1_048_000);
        });

        test('with ttlMs a watermark goes when its time has come', async () => {
            await using store = await openOn(backend, { ttlMs: 1_000 });
            await store.watermarks.set('users', 'v1');
            expect((await store.watermarks.get('users'))?.version).toBe('v1');
            while ((await store.watermarks.get('users')) !== null) {
                await new Promise(resolve => setTimeout(resolve, 50));
            }
            // Each replica lets go of it by its own clock, and getAll is served by any of them.
            while ((await store.watermarks.getAll()).size > 0) {
                await new Promise(resolve => setTimeout(resolve, 50));
            }
            expect(await store.watermarks.create('users', 'v2')).toBeGreaterThan(1);
        });
    });
});
