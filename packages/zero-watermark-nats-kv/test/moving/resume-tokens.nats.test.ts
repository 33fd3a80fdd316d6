import { positionOf } from '@cbnsndwch/zero-contracts/backend';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { versionToLexi, WatermarkErrorCode } from '../../src/store.js';
import { type Backend, backends, openOn, rejectionOf, uniqueBucket } from '../support/backends.js';
import { exportOf, importInProcess, linesOf, temporaryFile } from '../support/importing.js';

/** Pairs with the small watermarks that a counter gives. */
const counted = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
        shard: 's',
        watermark: versionToLexi(index + 1),
        token: `old-${index + 1}`
    }));

/* What every store promises is tested by the conformance suite. Here is what comes of several instances and processes. */

describe.each(backends)('moving resume tokens on $name', ({ start }) => {
    let backend: Backend;
    let nc: NatsConnection;

    beforeAll(async () => {
        backend = await start();
        nc = await connect({ servers: [...backend.urls] });
    });
    afterAll(async () => {
        await nc.close();
        await backend[Symbol.asyncDispose]();
    });

    async function messagesOf(bucket: string): Promise<number> {
        const jsm = await jetstreamManager(nc, { timeout: 10_000 });
        return (await jsm.streams.info(`KV_${bucket}-tokens-s`)).state.messages;
    }

    test('takes a message a pair and one for the shard, however often it is run', async () => {
        const bucket = uniqueBucket();
        await using store = await openOn(backend, { bucket });
        const lines = await exportOf(counted(300));
        for (let round = 0; round < 3; round += 1) {
            await store.resumeTokens.importWatermarks(lines);
            expect(await messagesOf(bucket)).toBe(301);
        }
    });

    test('an export has all that is there, also around messages that somebody has purged', async () => {
        const bucket = uniqueBucket();
        await using store = await openOn(backend, { bucket });
        const { resumeTokens } = store;
        const tokens = Array.from({ length: 700 }, (_, index) => `t${index}`);
        const watermarks = await resumeTokens.getOrCreateWatermarks('s', tokens);
        const jsm = await jetstreamManager(nc, { timeout: 10_000 });
        const stream = `KV_${bucket}-tokens-s`;
        const purged = new Set([1, 2, 3, 300, 302, 698]);
        for (const index of purged) {
            const seq = positionOf(watermarks[index] ?? '')?.sequence ?? 0;
            const message = await jsm.streams.getMessage(stream, { seq });
            await jsm.streams.purge(stream, { filter: message?.subject ?? '' });
        }
        const exported = (await linesOf(resumeTokens.exportWatermarks())).join('');
        const left = tokens.filter((_, index) => !purged.has(index));
        expect([...exported.matchAll(/"token":"(t\d+)"/g)].map(([, token]) => token)).toEqual(left);
    });

    test('an instance that was there before learns of an import when zero-cache connects', async () => {
        const bucket = uniqueBucket();
        await using before = await openOn(backend, { bucket });
        await before.resumeTokens.provision(['s']);
        await using importer = await openOn(backend, { bucket });
        const text = await exportOf(counted(1_500));
        async function* interrupted() {
            yield text.slice(0, -1_000);
            throw new Error('interrupted');
        }
        await rejectionOf(importer.resumeTokens.importWatermarks(interrupted()));
        const calls = [
            () => before.resumeTokens.resume('s', '01'),
            () => before.resumeTokens.getOrCreateWatermark('s', 'new'),
            () => before.resumeTokens.beginSync('s', 'new')
        ];
        for (const call of calls) {
            expect(await rejectionOf(call())).toMatchObject({ code: WatermarkErrorCode.IMPORT_UNFINISHED });
        }
        await importer.resumeTokens.importWatermarks(text);
        // What it was asked for is answered in the order in which it was asked.
        const watermarks = await Promise.all([
            before.resumeTokens.getOrCreateWatermark('s', 'old-1500'),
            before.resumeTokens.getOrCreateWatermark('s', 'new'),
            before.resumeTokens.getOrCreateWatermark('s', 'newer')
        ]);
        expect(watermarks[0]).toBe(versionToLexi(1_500));
        expect(watermarks).toEqual(watermarks.toSorted());
        expect(await before.resumeTokens.resume('s', '01')).toEqual({ kind: 'resume', resumeToken: 'old-1' });
    });

    test('one that does not know of it, and gives out watermarks, makes it fail, and loses nothing', async () => {
        const bucket = uniqueBucket();
        await using user = await openOn(backend, { bucket });
        await user.resumeTokens.provision(['s']);
        await using importer = await openOn(backend, { bucket });
        const text = await exportOf(counted(1_500));
        let given = '';
        async function* lines() {
            yield text.slice(0, -1_000);
            given = await user.resumeTokens.getOrCreateWatermark('s', 'old-1400');
            yield text.slice(-1_000);
        }
        expect(await rejectionOf(importer.resumeTokens.importWatermarks(lines()))).toMatchObject({
            code: WatermarkErrorCode.IMPORT_CONFLICT
        });
        expect(await user.resumeTokens.getResumeToken('s', given)).toBe('old-1400');
        await importer.resumeTokens.abandon('s');
        await importer.resumeTokens.importWatermarks(text);
        expect(await user.resumeTokens.resume('s', given)).toMatchObject({ reason: 'pruned' });
        expect(await user.resumeTokens.getOrCreateWatermark('s', 'old-1400')).toBe(versionToLexi(1_400));
    });

    test('processes that are killed with -9 in the middle, then three at once: everything is there once', async () => {
        const { urls: servers, replicas } = backend;
        const text = await exportOf(counted(5_000));
        await using file = await temporaryFile(text);
        const bucket = uniqueBucket();
        const order = { options: { servers, bucket, replicas }, service: 'resumeTokens' as const, path: file.path };
        expect(await importInProcess(order, 25)).toBeUndefined();
        expect(await importInProcess(order, 50)).toBeUndefined();
        await using store = await openOn(backend, { bucket });
        const { resumeTokens } = store;
        const half = await rejectionOf(resumeTokens.resume('s', '01'));
        expect(half).toMatchObject({ code: WatermarkErrorCode.IMPORT_UNFINISHED });

        const reports = await Promise.all(Array.from({ length: 3 }, () => importInProcess(order)));
        expect(reports).toMatchObject(reports.map(() => ({ shardIds: ['s'] })));
        expect((await linesOf(resumeTokens.exportWatermarks())).join('')).toBe(text);
        expect(await messagesOf(bucket)).toBe(5_001);
        const tokens = counted(5_000).map(({ token }) => token);
        expect(await resumeTokens.getOrCreateWatermarks('s', tokens)).toEqual(
            counted(5_000).map(({ watermark }) => watermark)
        );
    });
});
