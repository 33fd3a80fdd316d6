import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { ViewStatus, WatermarkChange, WatermarkService, WatermarkView } from '../../src/store.js';
import { type NatsServer, startNatsServer, startTcpProxy } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { eventually, openOn, recordLog, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();

/** What is promised is 2 s; a machine that tests something else besides may need longer. */
const LIVE_AGAIN_MS = 5_000;

/** A view that is ready, with everything it tells. */
async function openView(watermarks: WatermarkService) {
    const view = watermarks.view();
    const changes: WatermarkChange[] = [];
    const statuses: ViewStatus[] = [];
    view.on('change', change => changes.push(change));
    view.on('status', status => statuses.push(status));
    await view.ready;
    const told = () => changes.map(change => (change.type === 'set' ? change.watermark.version : `no ${change.key}`));
    return { view, statuses, told, [Symbol.asyncDispose]: () => view.close() };
}

async function expectAsStored(view: WatermarkView, watermarks: WatermarkService): Promise<void> {
    const stored = await watermarks.getAll();
    // The time of an own write is this process's until the server has told of it.
    await expect.poll(() => new Map(view.entries())).toEqual(stored);
}

describe.each([newest, oldest])('a view of one server ($version)', ({ path }) => {
    let server: NatsServer;
    let administrator: Administrator;

    beforeAll(async () => {
        server = await startNatsServer({ binary: path });
        administrator = await Administrator.connect([server.url]);
    });
    afterAll(async () => {
        await administrator.nc.close();
        await server.stop();
    });

    async function openBoth() {
        const bucket = uniqueBucket();
        const proxy = await startTcpProxy({ target: server });
        const log = recordLog();
        const store = await openOn({ urls: [proxy.url], replicas: 1 }, { bucket, logger: log });
        const other = await openOn({ urls: [server.url], replicas: 1 }, { bucket });
        const close = async () => {
            await Promise.all([store.close(), other.close()]);
            await proxy.stop();
        };
        return { bucket, proxy, log, mine: store.watermarks, others: other.watermarks, [Symbol.asyncDispose]: close };
    }

    test('says at once that the connection is lost, ages, and then has what changed, deletions too', async () => {
        await using both = await openBoth();
        const { proxy, mine, others } = both;
        await Promise.all(['kept', 'changed', 'deleted'].map(key => others.set(key, 'v1')));
        await using opened = await openView(mine);
        const { view, statuses, told } = opened;
        await eventually('a confirmation', () => view.lagMs < 200);
        proxy.cut();
        await eventually('the interruption', () => view.status === 'interrupted', 2_000);
        await others.set('changed', 'v2');
        await others.set('new', 'v3');
        await others.delete('deleted');
        await eventually('ageing', () => view.lagMs > 1_500);
        // It goes on giving what it knew.
        expect(view.get('changed')?.version).toBe('v1');
        expect(view.get('deleted')?.version).toBe('v1');
        const healedAt = performance.now();
        proxy.heal();
        await eventually('live again', () => view.status === 'live');
        expect(performance.now() - healedAt).toBeLessThan(LIVE_AGAIN_MS);
        expect(view.lagMs).toBeLessThan(1_000);
        await expectAsStored(view, others);
        expect(told()).toEqual(['v2', 'v3', 'no deleted']);
        expect(statuses).toEqual(['live', 'interrupted', 'live']);
    });

    test('says within seconds that nothing arrives any more although the connection is open', async () => {
        await using both = await openBoth();
        const { proxy, mine, others } = both;
        await others.set('k', 'v1');
        await using opened = await openView(mine);
        const { view } = opened;
        proxy.blackhole();
        await eventually('the interruption', () => view.status === 'interrupted', 8_000);
        await others.set('k', 'v2');
        proxy.heal();
        await eventually('what changed', () => view.get('k')?.version === 'v2');
        await eventually('live again', () => view.status === 'live');
    });

    test('a write that is acknowledged late is in it when it resolves', async () => {
        await using both = await openBoth();
        const { proxy, mine } = both;
        await using opened = await openView(mine);
        for (const version of ['v1', 'v2', 'v3']) {
            proxy.dropAnswers();
            const write = mine.set('k', version);
            await new Promise(resolve => setImmediate(resolve));
            proxy.cut();
            proxy.heal();
            await write;
            expect(opened.view.get('k')?.version).toBe(version);
        }
        await eventually('live again', () => opened.view.status === 'live');
        await expectAsStored(opened.view, mine);
        expect(opened.told()).toEqual(['v1', 'v2', 'v3']);
    });

    test.each(['SIGKILL', 'SIGTERM'] as const)('goes on after %s and restart', async signal => {
        await using both = await openBoth();
        const { mine, others } = both;
        await others.set('a', 'v1');
        await others.set('b', 'v1');
        await using opened = await openView(mine);
        const { view, told } = opened;
        await server.kill(signal);
        await eventually('the interruption', () => view.status === 'interrupted', 2_000);
        const during = Promise.all([others.set('a', 'v2'), others.delete('b')]);
        await server.restart();
        const returnedAt = performance.now();
        await during;
        await eventually('live again, with all', () => view.status === 'live' && told().length === 2);
        expect(performance.now() - returnedAt).toBeLessThan(LIVE_AGAIN_MS);
        await expectAsStored(view, mine);
    });

    test('holds what a bucket holds that was made anew, and tells of what is gone', async () => {
        await using both = await openBoth();
        const { bucket, mine, log } = both;
        await Promise.all(Array.from({ length: 20 }, (_, n) => mine.set(`old.${n}`, 'v1')));
        await mine.set('both', 'old');
        await using opened = await openView(mine);
        const { view, told } = opened;
        await administrator.deleteBucket(bucket);
        await eventually('the interruption', () => view.status === 'interrupted');
        expect(view.size).toBe(21);
        await eventually('the complaint', () => log.errors.length > 0);
        await administrator.createUnlimitedBucket(bucket, 1);
        await administrator.put(bucket, 'both', 'new');
        await eventually('live again', () => view.status === 'live');
        await expectAsStored(view, mine);
        expect(told().toSorted()).toEqual(['new', ...Array.from({ length: 20 }, (_, n) => `no old.${n}`)].toSorted());
        // Own writes are small numbers again, and nevertheless the newest.
        await mine.set('both', 'newer');
        expect(view.get('both')?.version).toBe('newer');
    });

    test('what can’t be opened rejects ready, in time, and closes the view', async () => {
        const log = recordLog();
        await using proxy = await startTcpProxy({ target: server });
        await using store = await openOn({ urls: [proxy.url], replicas: 1 }, { timeoutMs: 1_000, logger: log });
        proxy.cut();
        const view = store.watermarks.view();
        await expect(view.ready).rejects.toMatchObject({ code: 'ERR_WATERMARK_UNAVAILABLE' });
        expect(view.status).toBe('closed');
        expect(() => view.get('k')).toThrow(expect.objectContaining({ code: 'ERR_WATERMARK_UNAVAILABLE' }));
        expect(log.errors).toEqual([]);
        proxy.heal();
    });

    test('thousands of keys, loaded while they are written, end as they are stored; closing leaves no consumer', async () => {
        await using both = await openBoth();
        const { bucket, mine, others } = both;
        const keys = Array.from({ length: 5_000 }, (_, n) => `key.${n}`);
        await Promise.all(keys.map(key => others.set(key, 'v0')));
        let writing = true;
        const writers = [1, 7].map(async stride => {
            for (let n = 0; writing; n += stride) {
                const key = keys[n % keys.length] ?? '';
                await (n % 11 === 10 ? others.delete(key) : others.set(key, `v${n}`));
            }
        });
        for (let round = 0; round < 5; round += 1) {
            await using opened = await openView(mine);
            expect(opened.view.size).toBeGreaterThan(4_000);
            await mine.set('own', `v${round}`);
            expect(opened.view.get('own')?.version).toBe(`v${round}`);
        }
        await using opened = await openView(mine);
        writing = false;
        await Promise.all(writers);
        const last = (await others.get('own'))?.revision ?? 0;
        await others.set('end', String(last));
        await eventually('the end', () => opened.view.get('end') !== null);
        await expectAsStored(opened.view, others);
        await opened.view.close();
        let consumers = Number.NaN;
        const count = async () => {
            const info = await administrator.nc.request(`$JS.API.STREAM.INFO.KV_${bucket}`, '', { timeout: 2_000 });
            consumers = info.json<{ state: { consumer_count: number } }>().state.consumer_count;
        };
        while (consumers !== 0) {
            await count();
        }
    });
});
