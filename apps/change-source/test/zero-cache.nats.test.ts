import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { QuakeRow } from './support/rows.js';
import { Scene } from './support/scene.js';
import { findBrokenPromises } from './support/wire.js';

/*
 * The real zero-cache on two change sources, with three NATS servers. Each of them is killed while rows flow.
 */

let scene: Scene;

beforeAll(async () => {
    scene = await Scene.open();
}, 120_000);

afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
}, 30_000);

describe('the real zero-cache', () => {
    test('has all rows after its initial sync, although writers did not rest meanwhile', async () => {
        await scene.upstream.stopWriting();
        expect(await scene.differences()).toEqual([]);
        const [first, second] = scene.proxy.connections;
        expect(first?.parameters.has('lastWatermark')).toBe(false);
        expect(second?.parameters.get('lastWatermark')).toBe(scene.replicaVersion());
    });

    test('gets every change, each once and in order, while everything is killed with -9 in turn', async () => {
        const { upstream, zeroCache } = scene;
        const replicaVersion = scene.replicaVersion();
        upstream.startWriting();

        await scene.killInstance();
        await scene.replicaGoesOn();

        const first = await scene.killNatsLeader('rows');
        await scene.replicaGoesOn();
        await first.restart();
        await scene.nats.waitUntilReady();

        await zeroCache.kill();
        const second = await scene.killNatsLeader('tokens');
        await scene.replicaGoesOn();
        await second.restart();

        await scene.killInstance();
        await zeroCache.kill();
        await scene.replicaGoesOn();

        await upstream.stopWriting();
        expect(await scene.differences()).toEqual([]);
        expect(findBrokenPromises(scene.proxy.connections)).toEqual([]);
        expect(scene.problems()).toEqual([]);
        expect(zeroCache.ends).toEqual([]);
        expect(scene.replicaVersion()).toBe(replicaVersion);
    }, 150_000);

    test('shows a row to a client as soon as it is written', async () => {
        const { client, upstream } = scene;
        const [some] = upstream.quakes.values();
        const row = { ...some, id: 'live', place: 'here and now' } as QuakeRow;
        await upstream.put(row);
        await client.until('the live row', () => client.rows.some(({ id }) => id === 'live'));
        expect(client.rows.find(({ id }) => id === 'live')).toMatchObject(row);
    });

    test('is told to begin anew when the resume tokens are gone, does so by itself, and has all rows again', async () => {
        const { upstream, zeroCache, client } = scene;
        const before = scene.replicaVersion();
        await scene.deleteTokens();
        upstream.startWriting();
        await zeroCache.ended(1);
        expect(zeroCache.ends).toEqual([{ code: 14, signal: null }]);
        await zeroCache.ready();
        await upstream.stopWriting();
        expect(await scene.differences()).toEqual([]);
        expect(scene.replicaVersion() > before).toBe(true);
        await client.until('the same rows as the upstream', () => client.rows.length === upstream.quakes.size);
    }, 90_000);
});
