import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differences, inspectWire, type QuakeRow } from '@cbnsndwch/zero-stage';

import { Scene } from './support/scene.js';

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
        const { stage } = scene;
        await stage.upstream.stopWriting();
        expect(await stage.differences()).toEqual([]);
        const [first, second] = stage.proxy.connections;
        expect(first?.parameters.has('lastWatermark')).toBe(false);
        expect(second?.parameters.get('lastWatermark')).toBe(stage.replicaVersion());
    });

    test('gets every change, each once and in order, while everything is killed with -9 in turn', async () => {
        const { stage } = scene;
        const { upstream, zeroCache } = stage;
        const replicaVersion = stage.replicaVersion();
        upstream.startWriting();

        await scene.killInstance();
        await scene.replicaGoesOn();

        const first = await scene.killNatsLeader('rows');
        await scene.replicaGoesOn();
        await first.restart();
        await scene.natsIsWhole();

        await zeroCache.kill();
        const second = await scene.killNatsLeader('tokens');
        await scene.replicaGoesOn();
        await second.restart();

        await scene.killInstance();
        await zeroCache.kill();
        await scene.replicaGoesOn();

        await upstream.stopWriting();
        expect(await stage.differences()).toEqual([]);
        expect(inspectWire(stage.proxy.connections).problems).toEqual([]);
        expect(stage.problems()).toEqual([]);
        expect(stage.replicaVersion()).toBe(replicaVersion);
    }, 150_000);

    test('shows a row to a client as soon as it is written', async () => {
        const { client, upstream } = scene.stage;
        const [some] = upstream.rows.quake;
        const row = { ...some, id: 'live', place: 'here and now' } as QuakeRow;
        await upstream.put(row);
        await client.until('the live row', () => client.rows.quake.some(({ id }) => id === 'live'));
        expect(client.rows.quake.find(({ id }) => id === 'live')).toMatchObject(row);
    });

    test('is told to begin anew when the resume tokens are gone, does so by itself, and has all rows again', async () => {
        const { stage } = scene;
        const { upstream, zeroCache, client } = stage;
        const before = stage.replicaVersion();
        await scene.deleteTokens();
        upstream.startWriting();
        await zeroCache.ended(1);
        expect(zeroCache.ends).toEqual([{ code: 14, signal: null }]);
        await zeroCache.ready();
        await upstream.stopWriting();
        expect(await stage.differences()).toEqual([]);
        expect(stage.replicaVersion() > before).toBe(true);
        await client.until('the same rows as the upstream', () => {
            return differences(upstream.rows, client.rows).length === 0;
        });
    }, 90_000);
});
