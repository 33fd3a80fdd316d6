import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { isWatermarkError, WatermarkErrorCode } from '../../src/store.js';
import { startNatsCluster, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { MARGIN_MS, timed } from '../support/outcomes.js';
import { openOn, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();

describe.each([newest, oldest])('no server at start ($version)', ({ path }) => {
    test('a server that comes within connectTimeoutMs is enough', async () => {
        await using server = await startNatsServer({ binary: path });
        await server.kill();
        const opening = openOn({ urls: [server.url], replicas: 1 }, { connectTimeoutMs: 20_000 });
        await server.restart();
        await using store = await opening;
        await store.watermarks.set('users', 'v1');
        expect((await store.watermarks.get('users'))?.version).toBe('v1');
    });

    test('none at all: UNAVAILABLE in time, naming the servers', async () => {
        await using server = await startNatsServer({ binary: path });
        await server.kill();
        const urls = [server.url, 'nats://127.0.0.1:1'];
        const secrets = { user: 'somebody', pass: 'a-secret' };
        const { error, tookMs } = await timed(openOn({ urls, replicas: 1 }, { connectTimeoutMs: 700, ...secrets }));
        expect(isWatermarkError(error, WatermarkErrorCode.UNAVAILABLE)).toBe(true);
        urls.forEach(url => expect(String(error)).toContain(url));
        expect(JSON.stringify([String(error), (error as Error).stack, error])).not.toContain('a-secret');
        expect(tookMs).toBeGreaterThan(500);
        expect(tookMs).toBeLessThan(700 + MARGIN_MS);
    });

    test('a server that accepts and stays silent: UNAVAILABLE in time, and it works once it answers', async () => {
        await using server = await startNatsServer({ binary: path });
        server.pause();
        const backend = { urls: [server.url], replicas: 1 };
        const { error, tookMs } = await timed(openOn(backend, { connectTimeoutMs: 700 }));
        expect(isWatermarkError(error, WatermarkErrorCode.UNAVAILABLE)).toBe(true);
        expect(tookMs).toBeLessThan(700 + MARGIN_MS);
        const opening = openOn(backend, { bucket: uniqueBucket() });
        server.resume();
        await using store = await opening;
        await store.watermarks.set('users', 'v1');
    });

    test('one of three servers is not enough, and is no failure: the others may come later', async () => {
        await using cluster = await startNatsCluster(3, { binary: path });
        await Promise.all(cluster.nodes.map(node => node.kill()));
        const opening = timed(openOn({ urls: cluster.urls, replicas: 3 }, { connectTimeoutMs: 45_000 }));
        await cluster.nodes[0]?.restart();
        const early = await Promise.race([opening, sleep(3_000, 'still trying')]);
        expect(early).toBe('still trying');
        await Promise.all(cluster.nodes.slice(1).map(node => node.restart()));
        const { value: store, error } = await opening;
        expect(error).toBeUndefined();
        await store?.watermarks.set('users', 'v1');
        await store?.resumeTokens.getOrCreateWatermark('s', 'a token');
        expect((await store?.watermarks.get('users'))?.version).toBe('v1');
        await store?.close();
    });
});
