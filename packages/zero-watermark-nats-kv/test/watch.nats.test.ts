import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Watermark, WatermarkEvent } from '../src/store.js';
import {
    type Backend,
    backends,
    eventually,
    onceReachable,
    openOn,
    recordLog,
    uniqueBucket
} from './support/backends.js';

describe.each(backends)('watching on $name', ({ start }) => {
    let backend: Backend;

    beforeAll(async () => {
        backend = await start();
    });
    afterAll(async () => {
        await backend[Symbol.asyncDispose]();
    });

    describe('watch', () => {
        test('tells of every change of its key by another instance, in revision order, and of no other key', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket, history: 64 });
            await using two = await openOn(backend, { bucket, history: 64 });
            await one.watermarks.set('users', 'before');
            const seen: Watermark[] = [];
            await two.watermarks.watch('users', watermark => seen.push(watermark));
            for (let round = 0; round < 30; round += 1) {
                await one.watermarks.set('users', `v${round}`, { round });
                await one.watermarks.set('others', `v${round}`);
            }
            await eventually('30 changes', () => seen.length >= 30);
            expect(seen.map(watermark => watermark.version)).toEqual(Array.from({ length: 30 }, (_, i) => `v${i}`));
            expect(seen.at(-1)).toEqual(await one.watermarks.get('users'));
        });

        test('once it has resolved, no later write is missed', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket });
            await using two = await openOn(backend, { bucket });
            for (let round = 0; round < 20; round += 1) {
                const seen: string[] = [];
                const unwatch = await two.watermarks.watch('users', watermark => seen.push(watermark.version));
                await one.watermarks.set('users', `v${round}`);
                await eventually(`round ${round}`, () => seen.length > 0);
                expect(seen).toEqual([`v${round}`]);
                unwatch();
            }
        });

        test('includeCurrent begins with what is there', async () => {
            await using store = await openOn(backend);
            await store.watermarks.set('users', 'v1');
            const seen: string[] = [];
            await store.watermarks.watch('users', watermark => seen.push(watermark.version), { includeCurrent: true });
            await eventually('what is there', () => seen.length === 1);
            await store.watermarks.set('users', 'v2');
            await eventually('the change', () => seen.length === 2);
            expect(seen).toEqual(['v1', 'v2']);
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
            const nc = await connect({ servers: [...backend.urls] });
            const kv = await new Kvm(nc).open(bucket);
            await onceReachable(() => kv.purge('users'));
            await nc.close();
            await eventually('four events', () => log.length === 4);
            expect(log).toEqual(['set 1', 'delete users 2 true', 'set 3', 'delete users 4 true']);
        });

        test('a callback that throws or rejects is logged, and the watch goes on', async () => {
            const log = recordLog();
            await using store = await openOn(backend, { logger: log });
            const seen: string[] = [];
            await store.watermarks.watch('users', watermark => {
                seen.push(watermark.version);
                throw new Error(`thrown at ${watermark.version}`);
            });
            const rejecting: (watermark: Watermark) => unknown = watermark =>
                Promise.reject(new Error(`rejected at ${watermark.version}`));
            await store.watermarks.watch('users', rejecting);
            await store.watermarks.set('users', 'v1');
            await eventually('both failures', () => log.errors.length === 2);
            await store.watermarks.set('users', 'v2');
            await eventually('all failures', () => log.errors.length === 4);
            expect(seen).toEqual(['v1', 'v2']);
            expect(log.errors.map(({ error }) => String(error)).toSorted()).toEqual([
                'Error: rejected at v1',
                'Error: rejected at v2',
                'Error: thrown at v1',
                'Error: thrown at v2'
            ]);
            expect(log.errors[0]?.message).toContain('"users"');
        });

        test('after unwatch no call comes', async () => {
            await using store = await openOn(backend);
            const seen: string[] = [];
            const others: string[] = [];
            const unwatch = await store.watermarks.watch('users', watermark => {
                seen.push(watermark.version);
                unwatch();
            });
            await store.watermarks.watch('users', watermark => others.push(watermark.version));
            await Promise.all([store.watermarks.set('users', 'v1'), store.watermarks.set('users', 'v2')]);
            await store.watermarks.set('users', 'v3');
            await eventually('the other watch', () => others.at(-1) === 'v3');
            expect(seen).toHaveLength(1);
            unwatch();
        });

        test('a record that is not ours is logged, and the watch goes on', async () => {
            const bucket = uniqueBucket();
            const log = recordLog();
            // Without a history the good record may replace the other before a busy machine delivers it.
            await using store = await openOn(backend, { bucket, logger: log, history: 2 });
            const seen: string[] = [];
            await store.watermarks.watch('users', watermark => seen.push(watermark.version));
            const nc = await connect({ servers: [...backend.urls] });
            const kv = await new Kvm(nc).open(bucket);
            await onceReachable(() => kv.put('users', 'garbage'));
            await nc.close();
            await store.watermarks.set('users', 'v1');
            await eventually('the good record', () => seen.length === 1);
            expect(log.warnings.join()).toMatch(/"users" at revision 1 is not a watermark/);
        });

        test('keys with any characters can be watched', async () => {
            await using store = await openOn(backend);
            for (const key of ['', 'a b', '*', '>', 'ü.😀', '=', '_kv']) {
                const seen: string[] = [];
                const unwatch = await store.watermarks.watch(key, watermark => seen.push(watermark.key));
                await store.watermarks.set(key, 'v1');
                await eventually(`a change of ${key}`, () => seen.length === 1);
                expect(seen).toEqual([key]);
                unwatch();
            }
        });
    });

    describe('watchAll', () => {
        async function collect(events: AsyncIterable<WatermarkEvent>, into: WatermarkEvent[]): Promise<void> {
            for await (const event of events) {
                into.push(event);
            }
        }

        test('begins with all that is there, says so, and goes on with changes', async () => {
            await using store = await openOn(backend);
            await store.watermarks.set('a', 'v1');
            await store.watermarks.set('gone', 'v1');
            await store.watermarks.delete('gone');
            await store.watermarks.set('b', 'v1');
            const events: WatermarkEvent[] = [];
            const stop = new AbortController();
            const done = collect(store.watermarks.watchAll({ includeCurrent: true, signal: stop.signal }), events);
            await eventually('all that was there', () => events.at(-1)?.type === 'current-complete');
            await store.watermarks.set('a', 'v2');
            await store.watermarks.delete('b');
            await eventually('both changes', () => events.at(-1)?.type === 'delete');
            stop.abort();
            await done;
            const told = events.filter(event => !(event.type === 'delete' && event.key === 'gone'));
            expect(told).toMatchObject([
                { type: 'set', watermark: { key: 'a', version: 'v1', revision: 1 } },
                { type: 'set', watermark: { key: 'b', version: 'v1', revision: 4 } },
                { type: 'current-complete' },
                { type: 'set', watermark: { key: 'a', version: 'v2', revision: 5 } },
                { type: 'delete', key: 'b', revision: 6 }
            ]);
        });

        test('an empty bucket is complete at once', async () => {
            await using store = await openOn(backend);
            for await (const event of store.watermarks.watchAll({ includeCurrent: true })) {
                expect(event).toEqual({ type: 'current-complete' });
                break;
            }
        });

        test('a prefix narrows it, escaped keys included', async () => {
            await using store = await openOn(backend);
            const events: WatermarkEvent[] = [];
            const stop = new AbortController();
            const options = { prefix: 'tenant.', includeCurrent: true, signal: stop.signal };
            const done = collect(store.watermarks.watchAll(options), events);
            await eventually('the mark', () => events.length === 1);
            for (const key of ['tenant', 'tenant.a', 'other', 'tenant.ü', 'tenants.b', 'tenant.end']) {
                await store.watermarks.set(key, 'v1');
            }
            await eventually('the last key', () => JSON.stringify(events).includes('tenant.end'));
            stop.abort();
            await done;
            expect(events.map(event => (event.type === 'set' ? event.watermark.key : event.type))).toEqual([
                'current-complete',
                'tenant.a',
                'tenant.ü',
                'tenant.end'
            ]);
        });

        test('ends when the signal aborts: before, while waiting, and with events pending', async () => {
            await using store = await openOn(backend);
            const events: WatermarkEvent[] = [];
            await collect(store.watermarks.watchAll({ includeCurrent: true, signal: AbortSignal.abort() }), events);
            expect(events).toEqual([]);
            for (let key = 0; key < 10; key += 1) {
                await store.watermarks.set(`key.${key}`, 'v1');
            }
            const stop = new AbortController();
            for await (const event of store.watermarks.watchAll({ includeCurrent: true, signal: stop.signal })) {
                events.push(event);
                stop.abort();
            }
            expect(events).toHaveLength(1);
        });

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
});
