import { positionOf } from '@cbnsndwch/zero-contracts/backend';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type LexiVersion, openWatermarkStore, versionToLexi, WatermarkErrorCode } from '../src/store.js';
import { type NatsServer, startNatsServer } from '../src/testing.js';
import { natsServers } from './nats-binaries.js';
import { rejectionOf, uniqueBucket } from './support/backends.js';

const { newest, oldest } = natsServers();
const pass = 'x';
const config = `authorization { users: [
    { user: administrator, password: ${pass} }
    { user: writer, password: ${pass}, permissions: { publish: { deny: ["$JS.API.STREAM.PURGE.>"] } } }
] }`;

const sequenceOf = (watermark: LexiVersion) => positionOf(watermark)?.sequence ?? 0;

describe.each([newest, oldest])('history that was lost ($version)', ({ path }) => {
    let server: NatsServer;
    let nc: NatsConnection;

    beforeAll(async () => {
        server = await startNatsServer({ binary: path, config });
        nc = await connect({ servers: server.url, user: 'administrator', pass });
    });
    afterAll(async () => {
        await nc.close();
        await server.stop();
    });

    const openAs = (user: string, bucket: string) =>
        openWatermarkStore({ servers: [server.url], user, pass, bucket, timeoutMs: 3_000 });

    test('what was agreed on for an earlier emptying, and is below what was given since, is not used again', async () => {
        const bucket = uniqueBucket();
        await using store = await openAs('administrator', bucket);
        const before = await store.resumeTokens.getOrCreateWatermark('s', 'before');
        // The clock, in microseconds, has to get beyond what the shard has given.
        await new Promise(resolve => setTimeout(resolve, 1_100));
        const agreed = (Date.now() - 500) * 1_000;
        expect(agreed).toBeGreaterThan(sequenceOf(before));
        await jetstream(nc).publish(`$KV.${bucket}-tokens-s.marker.fence`, String(agreed));
        // zero-cache has this from a history in which the shard went on at what was agreed; a backup was put back since.
        const given = versionToLexi(BigInt(agreed + 10) * 4_096n + 7n);

        expect(await store.resumeTokens.resume('s', given)).toMatchObject({ reason: 'ahead-of-head' });
        expect((await store.resumeTokens.getOrCreateWatermark('s', 'after')) > given).toBe(true);
    });

    test('while a shard cannot be moved above what was lost, nothing is given out', async () => {
        const bucket = uniqueBucket();
        {
            await using administrator = await openAs('administrator', bucket);
            await administrator.resumeTokens.getOrCreateWatermark('s', 'first');
        }
        await using store = await openAs('writer', bucket);
        const { resumeTokens } = store;
        const tokens = Array.from({ length: 50 }, (_, index) => `t${index}`);
        const given = await resumeTokens.getOrCreateWatermarks('s', tokens);
        const jsm = await jetstreamManager(nc);
        const stream = `KV_${bucket}-tokens-s`;
        const { config: settings } = await jsm.streams.info(stream);
        await jsm.streams.delete(stream);
        await jsm.streams.add(settings);
        await jsm.streams.purge(stream, { seq: sequenceOf(given[10] ?? versionToLexi(0)) });

        expect(await rejectionOf(resumeTokens.getOrCreateWatermark('s', 'new'))).toMatchObject({
            code: WatermarkErrorCode.HISTORY_LOST,
            cause: { code: WatermarkErrorCode.PERMISSION_DENIED }
        });
        for (const token of ['new', 'newer', 't3']) {
            expect(await rejectionOf(resumeTokens.getOrCreateWatermark('s', token))).toMatchObject({
                code: WatermarkErrorCode.PERMISSION_DENIED
            });
        }
    });
});
