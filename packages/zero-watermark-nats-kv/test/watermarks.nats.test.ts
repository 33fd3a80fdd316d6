import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { isWatermarkError, RevisionConflictError, WatermarkErrorCode } from '../src/store.js';
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

    describe('get and set', () => {
        test('a key that nobody wrote has no watermark', async () => {
            await using store = await openOn(backend);
            expect(await store.watermarks.get('users')).toBeNull();
        });

        test('what was set is there, with data, revision and the time of the server', async () => {
            await using store = await openOn(backend);
            const before = Date.now();
            await store.watermarks.set('users', '00000000001704067200000', { lastId: 'user-123', count: 42 });
            const watermark = await store.watermarks.get('users');
            expect(watermark).toEqual({
                key: 'users',
                version: '00000000001704067200000',
                data: { lastId: 'user-123', count: 42 },
                revision: 1,
                timestamp: expect.any(Number) as number
            });
            // The same machine, so the same clock, give or take a millisecond.
            expect(watermark?.timestamp).toBeGreaterThanOrEqual(before - 1);
            expect(watermark?.timestamp).toBeLessThanOrEqual(Date.now() + 1);
        });

        test('set replaces version and data', async () => {
            await using store = await openOn(backend);
            await store.watermarks.set('users', 'v1', { a: 1 });
            await store.watermarks.set('users', 'v2');
            const watermark = await store.watermarks.get('users');
            expect(watermark).toMatchObject({ version: 'v2', revision: 2 });
            expect(watermark).not.toHaveProperty('data');
        });

        test('another instance sees it at once', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket });
            await using two = await openOn(backend, { bucket });
            for (let round = 0; round < 50; round += 1) {
                await one.watermarks.set('users', `v${round}`);
                expect((await two.watermarks.get('users'))?.version).toBe(`v${round}`);
                expect((await two.watermarks.getAll()).get('users')?.version).toBe(`v${round}`);
            }
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

        test('any Unicode string is a key', async () => {
            await using store = await openOn(backend);
            const keys = fc.sample(fc.string({ unit: 'binary', maxLength: 40 }), { numRuns: 60, seed: 1 });
            const unique = [...new Set(['', ' ', '=', '_kv', 'a.b', 'a..b', '*', '>', '日本', ...keys])];
            await Promise.all(unique.map((key, index) => store.watermarks.set(key, `v${index}`)));
            const all = await store.watermarks.getAll();
            expect(all.size).toBe(unique.length);
            for (const [index, key] of unique.entries()) {
                expect(all.get(key)).toMatchObject({ key, version: `v${index}` });
                expect(await store.watermarks.get(key)).toEqual(all.get(key));
            }
        });
    });

    describe('delete', () => {
        test('the key is gone for get and getAll, and can be set again', async () => {
            await using store = await openOn(backend);
            await store.watermarks.set('users', 'v1');
            await store.watermarks.delete('users');
            expect(await store.watermarks.get('users')).toBeNull();
            expect(await store.watermarks.getAll()).toEqual(new Map());
            await store.watermarks.set('users', 'v2');
            expect((await store.watermarks.get('users'))?.version).toBe('v2');
        });

        test('deleting what is not there is no error', async () => {
            await using store = await openOn(backend);
            await store.watermarks.delete('nobody');
        });

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
    });

    describe('getAll and getMany', () => {
        test('an empty bucket has none', async () => {
            await using store = await openOn(backend);
            expect(await store.watermarks.getAll()).toEqual(new Map());
        });

        test('getAll has every key once, at its last revision', async () => {
            await using store = await openOn(backend, { history: 5 });
            for (let round = 0; round < 3; round += 1) {
                await Promise.all(Array.from({ length: 400 }, (_, i) => store.watermarks.set(`key.${i}`, `v${round}`)));
            }
            await Promise.all(Array.from({ length: 100 }, (_, i) => store.watermarks.delete(`key.${i * 4}`)));
            const all = await store.watermarks.getAll();
            expect(all.size).toBe(300);
            expect([...all.values()].every(watermark => watermark.version === 'v2')).toBe(true);
        });

        test('getMany gives those that are there, in the order that was asked for', async () => {
            await using store = await openOn(backend);
            await store.watermarks.set('a', 'v1');
            await store.watermarks.set('b', 'v2');
            const many = await store.watermarks.getMany(new Set(['b', 'nobody', 'a']));
            expect([...many.keys()]).toEqual(['b', 'a']);
            expect(many.get('a')?.version).toBe('v1');
            expect(await store.watermarks.getMany([])).toEqual(new Map());
        });
    });

    describe('create', () => {
        test('gives the revision, and refuses a key that is there', async () => {
            await using store = await openOn(backend);
            const revision = await store.watermarks.create('users', 'v1', { a: 1 });
            expect(await store.watermarks.get('users')).toMatchObject({ version: 'v1', data: { a: 1 }, revision });
            const error = await rejectionOf(store.watermarks.create('users', 'v2'));
            expect(error).toBeInstanceOf(RevisionConflictError);
            expect(error).toMatchObject({ key: 'users', expectedRevision: null, actualRevision: revision });
            expect((await store.watermarks.get('users'))?.version).toBe('v1');
        });

        test('takes a key that was deleted', async () => {
            await using store = await openOn(backend);
            await store.watermarks.set('users', 'v1');
            await store.watermarks.delete('users');
            const revision = await store.watermarks.create('users', 'v2');
            expect(await store.watermarks.get('users')).toMatchObject({ version: 'v2', revision });
        });
    });

    describe('compareAndSet', () => {
        test('goes from revision to revision', async () => {
            await using store = await openOn(backend);
            const first = await store.watermarks.create('users', 'v1');
            const second = await store.watermarks.compareAndSet('users', first, 'v2', { b: 2 });
            expect(second).toBeGreaterThan(first);
            expect(await store.watermarks.get('users')).toMatchObject({
                version: 'v2',
                data: { b: 2 },
                revision: second
            });
        });

        test('refuses a key that has moved on, with both revisions', async () => {
            await using store = await openOn(backend);
            const first = await store.watermarks.create('users', 'v1');
            const second = await store.watermarks.compareAndSet('users', first, 'v2');
            const error = await rejectionOf(store.watermarks.compareAndSet('users', first, 'v3'));
            expect(error).toBeInstanceOf(RevisionConflictError);
            expect(error).toMatchObject({ key: 'users', expectedRevision: first, actualRevision: second });
            expect((await store.watermarks.get('users'))?.version).toBe('v2');
        });

        test('refuses a key that is not there', async () => {
            await using store = await openOn(backend);
            const revision = await store.watermarks.create('somebody', 'v1');
            const error = await rejectionOf(store.watermarks.compareAndSet('nobody', revision, 'v1'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.REVISION_CONFLICT, actualRevision: null });
            expect(await store.watermarks.get('nobody')).toBeNull();
        });

        test('refuses a revision that the bucket never had', async () => {
            await using store = await openOn(backend, { timeoutMs: 1_000 });
            const first = await store.watermarks.create('users', 'v1');
            const error = await rejectionOf(store.watermarks.compareAndSet('users', first + 1_000, 'v2'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.REVISION_CONFLICT, actualRevision: first });
        });

        test.each([0, -1, 1.5, Number.NaN, 2 ** 53, '1' as unknown as number])(
            'refuses %s as a revision',
            async revision => {
                await using store = await openOn(backend);
                const error = await rejectionOf(store.watermarks.compareAndSet('users', revision, 'v1'));
                expect(error).toMatchObject({ code: WatermarkErrorCode.INVALID_ARGUMENT });
                expect(error.message).toContain(String(revision));
            }
        );
    });

    describe('advance', () => {
        test('goes forward in string order, and only forward', async () => {
            await using store = await openOn(backend);
            const first = await store.watermarks.advance('users', '0a', { n: 1 });
            expect(first).toEqual({ advanced: true, revision: expect.any(Number) as number });
            expect(await store.watermarks.advance('users', '0b')).toMatchObject({ advanced: true });
            for (const version of ['0b', '0a']) {
                expect(await store.watermarks.advance('users', version)).toMatchObject({
                    advanced: false,
                    current: { key: 'users', version: '0b' }
                });
            }
            expect((await store.watermarks.get('users'))?.version).toBe('0b');
        });

        test('takes an order of the caller', async () => {
            await using store = await openOn(backend);
            const compare = (a: string, b: string) => Number(a) - Number(b);
            await store.watermarks.advance('users', '9', undefined, { compare });
            expect(await store.watermarks.advance('users', '10', undefined, { compare })).toMatchObject({
                advanced: true
            });
            expect(await store.watermarks.advance('users', '9', undefined, { compare })).toMatchObject({
                advanced: false
            });
        });

        test('begins anew after a deletion', async () => {
            await using store = await openOn(backend);
            await store.watermarks.advance('users', '0b');
            await store.watermarks.delete('users');
            expect(await store.watermarks.advance('users', '0a')).toMatchObject({ advanced: true });
        });
    });

    describe('history', () => {
        test('is oldest first, as far as the bucket keeps it, without deletions', async () => {
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
        test('a plain KV client reads our records under the same key', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            await store.watermarks.set('tenant/42.users', 'v1', { count: 1 });
            const entry = await (await kvm.open(bucket)).get('tenant/42.users');
            expect(entry?.json()).toEqual({ format: 1, version: 'v1', data: { count: 1 } });
            expect(entry?.revision).toBe(1);
        });

        test('a record that is not ours is refused, named, and does not spoil the others', async () => {
            const bucket = uniqueBucket();
            const log = recordLog();
            await using store = await openOn(backend, { bucket, logger: log });
            await store.watermarks.set('good', 'v1');
            const kv = await kvm.open(bucket);
            const revision = await onceReachable(() => kv.put('users', 'garbage'));
            const { watermarks } = store;
            for (const call of [
                () => watermarks.get('users'),
                () => watermarks.create('users', 'v1'),
                () => watermarks.compareAndSet('users', revision, 'v1'),
                () => watermarks.advance('users', 'v1'),
                () => watermarks.getMany(['good', 'users'])
            ]) {
                expect(await rejectionOf(call())).toMatchObject({
                    code: WatermarkErrorCode.CORRUPT_RECORD,
                    key: 'users',
                    revision
                });
            }
            expect([...(await watermarks.getAll()).keys()]).toEqual(['good']);
            expect(log.warnings.join()).toMatch(/"users" at revision \d+ is not a watermark: it is not JSON/);
            expect((await kv.get('users'))?.string()).toBe('garbage');
            await watermarks.set('users', 'v1');
            expect((await watermarks.get('users'))?.version).toBe('v1');
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

    describe('bad arguments', () => {
        test('every method rejects, and none throws', async () => {
            await using store = await openOn(backend);
            const { watermarks } = store;
            const noKey = undefined as unknown as string;
            const noVersion = undefined as unknown as string;
            for (const [code, call] of [
                [WatermarkErrorCode.INVALID_KEY, () => watermarks.get(noKey)],
                [WatermarkErrorCode.INVALID_KEY, () => watermarks.set('a\uD800', 'v1')],
                [WatermarkErrorCode.INVALID_KEY, () => watermarks.delete('k'.repeat(3_001))],
                [WatermarkErrorCode.INVALID_KEY, () => watermarks.watch(noKey, () => {})],
                [WatermarkErrorCode.INVALID_KEY, () => watermarks.history(noKey)],
                [WatermarkErrorCode.INVALID_KEY, () => watermarks.getMany([noKey])],
                [WatermarkErrorCode.INVALID_VERSION, () => watermarks.set('users', noVersion)],
                [WatermarkErrorCode.INVALID_VERSION, () => watermarks.create('users', '')],
                [WatermarkErrorCode.INVALID_VERSION, () => watermarks.advance('users', '')],
                [WatermarkErrorCode.INVALID_DATA, () => watermarks.set('users', 'v1', { at: new Date() })],
                [WatermarkErrorCode.INVALID_DATA, () => watermarks.compareAndSet('users', 1, 'v1', { n: 1n })]
            ] as const) {
                const error = await rejectionOf(call());
                expect(isWatermarkError(error, code), `${error.message}`).toBe(true);
            }
            expect(await watermarks.getAll()).toEqual(new Map());
        });
    });

    describe('close', () => {
        test('writes under way are stored; later calls are refused', async () => {
            const bucket = uniqueBucket();
            const store = await openOn(backend, { bucket });
            const writes = Array.from({ length: 200 }, (_, i) => store.watermarks.set(`key.${i}`, 'v1'));
            await store.close();
            await Promise.all(writes);
            const { watermarks } = store;
            for (const call of [
                () => watermarks.get('a'),
                () => watermarks.set('a', 'v1'),
                () => watermarks.watch('a', () => {})
            ]) {
                expect(await rejectionOf(call())).toMatchObject({ code: WatermarkErrorCode.CLOSED });
            }
            await store.close();
            await using another = await openOn(backend, { bucket });
            expect((await another.watermarks.getAll()).size).toBe(200);
        });

        test('ends watches', async () => {
            const store = await openOn(backend);
            const events: string[] = [];
            const iteration = (async () => {
                for await (const event of store.watermarks.watchAll({ includeCurrent: true })) {
                    events.push(event.type);
                }
            })();
            await eventually('the watch is there', () => events.includes('current-complete'));
            await store.close();
            await iteration;
        });
    });
});
