import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { WatermarkErrorCode, type WatermarkService } from '../../src/store.js';
import { type NatsServer, startNatsServer, startTcpProxy, type TcpProxy } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { eventually, openOn, uniqueBucket } from '../support/backends.js';
import { MARGIN_MS, timed } from '../support/outcomes.js';

const { newest, oldest } = natsServers();
const TIMEOUT_MS = 1_500;
const { UNAVAILABLE, OUTCOME_UNKNOWN } = WatermarkErrorCode;

const calls = {
    get: (service: WatermarkService) => service.get('k'),
    getMany: (service: WatermarkService) => service.getMany(['k', 'l']),
    getAll: (service: WatermarkService) => service.getAll(),
    history: (service: WatermarkService) => service.history('k'),
    watch: (service: WatermarkService) => service.watch('k', () => {}),
    set: (service: WatermarkService) => service.set('k', 'v2'),
    delete: (service: WatermarkService) => service.delete('other'),
    create: (service: WatermarkService) => service.create('new', 'v2'),
    compareAndSet: (service: WatermarkService) => service.compareAndSet('compared', 1, 'v2'),
    advance: (service: WatermarkService) => service.advance('advanced', 'v2')
} satisfies Record<string, (service: WatermarkService) => Promise<unknown>>;

/** Calls whose first request is the write; the others read first, and fail on that. */
const WRITE_AT_ONCE: ReadonlySet<string> = new Set(['set', 'delete', 'create']);

describe.each([newest, oldest])('a partition ($version)', ({ path }) => {
    let server: NatsServer;
    let proxy: TcpProxy;
    let administrator: Administrator;

    beforeAll(async () => {
        server = await startNatsServer({ binary: path });
        administrator = await Administrator.connect([server.url]);
    });
    beforeEach(async () => {
        proxy = await startTcpProxy({ target: server });
        return () => proxy.stop();
    });
    afterAll(async () => {
        await administrator.nc.close();
        await server.stop();
    });

    async function open(timeoutMs?: number) {
        const bucket = uniqueBucket();
        const options = timeoutMs === undefined ? { bucket } : { bucket, timeoutMs };
        const store = await openOn({ urls: [proxy.url], replicas: 1 }, options);
        await store.watermarks.create('compared', 'v1');
        return { bucket, service: store.watermarks, [Symbol.asyncDispose]: () => store.close() };
    }

    async function outcomesOf(service: WatermarkService) {
        const ended = Object.entries(calls).map(
            async ([name, call]) => [name, await timed<unknown>(call(service))] as const
        );
        return Object.fromEntries(await Promise.all(ended));
    }

    const partitions = [
        { name: 'that both sides notice', begin: () => proxy.cut() },
        { name: 'that nobody notices', begin: () => proxy.blackhole() }
    ];

    test.each(partitions)('shorter than timeoutMs, $name: slow calls', async ({ begin }) => {
        await using opened = await open();
        begin();
        const outcomes = outcomesOf(opened.service);
        // It ends once the calls have been sent in vain.
        await new Promise(resolve => setImmediate(resolve));
        proxy.heal();
        for (const [name, { error }] of Object.entries(await outcomes)) {
            expect(error, name).toBeUndefined();
        }
        expect(await administrator.lastRevision(opened.bucket)).toBe(6);
    });

    test('longer than timeoutMs, unnoticed: each call ends in time, and says what it knows', async () => {
        await using opened = await open(TIMEOUT_MS);
        proxy.blackhole();
        for (const [name, { code, tookMs }] of Object.entries(await outcomesOf(opened.service))) {
            expect(code, name).toBe(WRITE_AT_ONCE.has(name) ? OUTCOME_UNKNOWN : UNAVAILABLE);
            expect(tookMs, name).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
        }
        proxy.heal();
    });

    test('longer than timeoutMs, noticed: what was never sent is UNAVAILABLE, whoever waited for whom', async () => {
        await using opened = await open(TIMEOUT_MS);
        proxy.cut();
        // The client has noticed once a call has failed.
        expect((await timed(opened.service.get('k'))).code).toBe(UNAVAILABLE);
        const startedAt = performance.now();
        const outcomes = outcomesOf(opened.service);
        const merged = [];
        for (let count = 0; count < 5; count += 1) {
            merged.push(timed(opened.service.set('merged', `v${count}`)));
            await new Promise(resolve => setTimeout(resolve, 100));
        }
        for (const [name, { code, tookMs }] of Object.entries(await outcomes)) {
            expect(code, name).toBe(UNAVAILABLE);
            expect(tookMs, name).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
        }
        for (const { code, tookMs } of await Promise.all(merged)) {
            expect(code).toBe(UNAVAILABLE);
            expect(tookMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
        }
        expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_MS + 500 + MARGIN_MS);
        expect(await administrator.lastRevision(opened.bucket)).toBe(1);
    });

    test.each(partitions)('once it is over, everything works again by itself: $name', async ({ begin }) => {
        await using opened = await open(TIMEOUT_MS);
        const seen: string[] = [];
        await opened.service.watch('watched', watermark => seen.push(watermark.version));
        begin();
        expect((await timed(opened.service.get('k'))).code).toBe(UNAVAILABLE);
        await administrator.put(opened.bucket, 'watched', 'while it was away');
        proxy.heal();
        await eventually('the change', () => seen.length === 1);
        for (const [name, { error }] of Object.entries(await outcomesOf(opened.service))) {
            expect(error, name).toBeUndefined();
        }
        await opened.service.set('watched', 'afterwards');
        await eventually('the next change', () => seen.length === 2);
        expect(seen).toEqual(['while it was away', 'afterwards']);
    });
});
