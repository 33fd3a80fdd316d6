import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openWatermarkStore as openNatsStore } from '@cbnsndwch/zero-watermark-nats-kv/store';
import { openWatermarkStore as openSqliteStore } from '@cbnsndwch/zero-watermark-zqlite/store';
import { differences, inspectWire, type QuakeRow, WATERMARKS_BUCKET } from '@cbnsndwch/zero-stage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

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

    test('goes on where it was when the watermarks move to an SQLite file, and back, while writers do not rest', async () => {
        const { stage } = scene;
        const { upstream } = stage;
        const folder = await mkdtemp(join(tmpdir(), 'zero-moving-'));
        const database = join(folder, 'watermarks.db');
        const connections = stage.proxy.connections.length;
        const replicaVersion = stage.replicaVersion();
        const reports: unknown[] = [];
        upstream.startWriting();

        await scene.changeStore({ WATERMARKS_DATABASE: database }, async servers => {
            await using nats = await openNatsStore({ servers: [...servers], bucket: WATERMARKS_BUCKET, replicas: 3 });
            await using sqlite = await openSqliteStore({ database });
            reports.push(await sqlite.resumeTokens.importWatermarks(nats.resumeTokens.exportWatermarks()));
        });
        await scene.replicaGoesOn();
        await scene.killInstance();
        await scene.replicaGoesOn();

        await scene.changeStore({}, async servers => {
            await using nats = await openNatsStore({ servers: [...servers], bucket: WATERMARKS_BUCKET, replicas: 3 });
            await using sqlite = await openSqliteStore({ database });
            // What is there is in the export too: it came from here.
            await nats.resumeTokens.abandon('zero_0');
            reports.push(await nats.resumeTokens.importWatermarks(sqlite.resumeTokens.exportWatermarks()));
        });
        await scene.replicaGoesOn();

        await upstream.stopWriting();
        await rm(folder, { recursive: true });
        expect(reports).toMatchObject([{ shardIds: ['zero_0'] }, { shardIds: ['zero_0'] }]);
        expect(await stage.differences()).toEqual([]);
        expect(inspectWire(stage.proxy.connections).problems).toEqual([]);
        expect(stage.problems()).toEqual([]);
        expect(stage.replicaVersion()).toBe(replicaVersion);
        const later = stage.proxy.connections.slice(connections);
        expect(later.length).toBeGreaterThanOrEqual(3);
        expect(later.every(({ parameters }) => parameters.has('lastWatermark'))).toBe(true);
    }, 150_000);

    test('shows a row to a client as soon as it is written', async () => {
        const { client, upstream } = scene.stage;
        const [some] = upstream.rows.quake;
        const row = { ...some, id: 'live', place: 'here and now' } as QuakeRow;
        await upstream.put(row);
        await client.until('the live row', () => client.rows.quake.some(({ id }) => id === 'live'));
        expect(client.rows.quake.find(({ id }) => id === 'live')).toMatchObject(row);
    });

    test('shows rows to a client that it has refused, and to one that it did not know any more', async () => {
        const { client, postgres, queryServer, upstream, zeroCache } = scene.stage;
        const [some] = upstream.rows.quake as [QuakeRow, ...QuakeRow[]];
        const seesAfter = async (id: string) => {
            await upstream.put({ ...some, id });
            await client.until(id, () => client.rows.quake.some(row => row.id === id));
        };
        queryServer.isUp = false;
        await zeroCache.kill();
        await client.until('that it is refused', () => client.isRefused);
        queryServer.isUp = true;
        await seesAfter('refused');
        expect(client.begun).toBe(1);

        // What zero-cache does with what it has of clients that were not seen for long.
        await postgres.execute('UPDATE "zero_0/cvr".instances SET deleted = true');
        await zeroCache.kill();
        await seesAfter('unknown');
        expect(client.begun).toBe(2);
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
    }, 150_000);
});
