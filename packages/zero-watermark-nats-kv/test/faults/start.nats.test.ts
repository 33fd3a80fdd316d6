import { describe, expect, test } from 'vitest';

import { isWatermarkError, WatermarkErrorCode } from '../../src/store.js';
import { startNatsServer } from '../../src/testing.js';
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
});
