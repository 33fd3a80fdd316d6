import { jetstreamManager } from '@nats-io/jetstream';
import { expect, test } from 'vitest';

import { openWatermarkStore, type WatermarkService } from '../src/store.js';
import { startNatsServer, startTcpProxy } from '../src/testing.js';
import { natsServers } from './nats-binaries.js';
import { Administrator } from './support/administrator.js';
import { backends, openOn, recordLog, uniqueBucket } from './support/backends.js';
import { FREE_AND_BOUND } from './support/free-and-bound.js';
import { receivedBy } from './support/monitor.js';

const { newest, oldest } = natsServers();
const named = (count: number) => Array.from({ length: count }, (_, index) => `key.${index}`);
const setAll = (watermarks: WatermarkService, keys: readonly string[], version: string) =>
    Promise.all(keys.map(key => watermarks.set(key, version)));
const versionsOf = async (watermarks: WatermarkService, keys: readonly string[]) =>
    (await Promise.all(keys.map(key => watermarks.get(key)))).map(watermark => watermark?.version);

test.each([
    { ...newest, mostMessages: 20 },
    { ...oldest, mostMessages: 2_600 }
])('2,500 keys that are asked for at once are read together on $version', async ({ path: binary, mostMessages }) => {
    await using server = await startNatsServer({ binary });
    await using store = await openWatermarkStore({ servers: [server.url], bucket: uniqueBucket() });
    const { watermarks } = store;
    const keys = named(2_500);
    await setAll(watermarks, keys, 'v1');
    await watermarks.set('key.7', 'v2');
    await watermarks.delete('key.8');
    const expected = new Map<string, string | undefined>([
        ...keys.map((key): [string, string] => [key, 'v1']),
        ['key.7', 'v2'],
        ['key.8', undefined],
        ['never.set', undefined]
    ]);

    const before = await receivedBy(server);
    const versions = await versionsOf(watermarks, [...expected.keys()]);
    const messages = (await receivedBy(server)) - before;

    expect(versions).toEqual([...expected.values()]);
    expect(messages).toBeLessThan(mostMessages);
});

test('many callers of one key share one read', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using store = await openWatermarkStore({ servers: [server.url], bucket: uniqueBucket() });
    await store.watermarks.set('hot', 'v1');
    const before = await receivedBy(server);
    const versions = await versionsOf(
        store.watermarks,
        Array.from({ length: 256 }, () => 'hot')
    );
    expect(new Set(versions)).toEqual(new Set(['v1']));
    expect((await receivedBy(server)) - before).toBeLessThan(5);
});

test('keys that are all missing are missing', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using store = await openWatermarkStore({ servers: [server.url], bucket: uniqueBucket() });
    expect(await store.watermarks.getMany(named(100))).toEqual(new Map());
    await store.watermarks.set('key.50', 'v1');
    expect([...(await store.watermarks.getMany(named(100))).keys()]).toEqual(['key.50']);
});

test.each(backends)('nobody reads less than was acknowledged before, while keys are written: $name', async kind => {
    await using backend = await kind.start();
    const bucket = uniqueBucket();
    await using writer = await openOn(backend, { bucket });
    await using reader = await openOn({ urls: backend.urls.toReversed(), replicas: backend.replicas }, { bucket });
    const keys = named(200);
    const acknowledged = new Map(keys.map(key => [key, 0]));
    await setAll(writer.watermarks, keys, '0');
    let writing = true;
    const write = async (key: string) => {
        for (let version = 1; writing; version += 1) {
            await writer.watermarks.set(key, String(version));
            acknowledged.set(key, version);
        }
    };
    const writers = Promise.all(keys.map(write));
    for (let round = 0; round < 50; round += 1) {
        const atLeast = new Map(acknowledged);
        const versions = await versionsOf(reader.watermarks, keys);
        const early = keys.filter((key, index) => Number(versions[index]) < (atLeast.get(key) ?? NaN));
        expect(early).toEqual([]);
    }
    writing = false;
    await writers;
    const last = await versionsOf(reader.watermarks, keys);
    expect(last.map(Number)).toEqual([...acknowledged.values()]);
});

test('what a replica answers that has missed writes does not count', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    const bucket = uniqueBucket();
    await using store = await openWatermarkStore({ servers: [server.url], bucket });
    const { watermarks } = store;
    const keys = named(100);
    await setAll(watermarks, keys, 'v1');
    // A mirror that answers for the bucket as a replica would, and has only one of its keys.
    const administrator = await Administrator.connect([server.url]);
    await (
        await jetstreamManager(administrator.nc)
    ).streams.add({
        name: 'late',
        mirror: { name: `KV_${bucket}`, filter_subject: `$KV.${bucket}.key.7` },
        mirror_direct: true
    });
    for (let round = 2; round < 30; round += 1) {
        await setAll(watermarks, keys, `v${round}`);
        expect(new Set(await versionsOf(watermarks, keys))).toEqual(new Set([`v${round}`]));
        await watermarks.set('key.7', `v${round}`);
        expect(new Set(await versionsOf(watermarks, keys))).toEqual(new Set([`v${round}`]));
    }
    await administrator.nc.close();
});

test('what is not answered in time is read one by one', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using proxy = await startTcpProxy({ target: { port: server.port } });
    await using store = await openWatermarkStore({ servers: [proxy.url], bucket: uniqueBucket() });
    const keys = named(100);
    await setAll(store.watermarks, keys, 'v1');
    proxy.dropAnswers();
    const reading = versionsOf(store.watermarks, keys);
    const before = await receivedBy(server);
    // By then the keys have been asked for one by one.
    await expect.poll(() => receivedBy(server), { timeout: 5_000 }).toBeGreaterThan(before + keys.length);
    proxy.heal();
    expect(new Set(await reading)).toEqual(new Set(['v1']));
});

test('whoever may not read directly reads one by one', async () => {
    await using server = await startNatsServer({ binary: newest.path, config: FREE_AND_BOUND });
    const options = { servers: [server.url], bucket: uniqueBucket() };
    await using free = await openWatermarkStore({ ...options, user: 'free', pass: 'a' });
    const keys = named(100);
    await setAll(free.watermarks, keys, 'v1');
    const logger = recordLog();
    await using bound = await openWatermarkStore({ ...options, user: 'bound', pass: 'b', logger });
    for (let round = 0; round < 3; round += 1) {
        expect(new Set(await versionsOf(bound.watermarks, keys))).toEqual(new Set(['v1']));
    }
    expect(logger).toMatchObject({ warnings: [], errors: [] });
});
