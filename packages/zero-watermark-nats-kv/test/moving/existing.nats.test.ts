import { type KV, Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openExistingStore, versionToLexi, WatermarkErrorCode } from '../../src/store.js';
import { startNatsServer } from '../../src/testing.js';
import { ExistingAlgorithm, type ExistingKeys } from '../../../../test/support/existing-algorithm.js';
import { natsServers } from '../nats-binaries.js';
import { type Backend, backends, onceReachable, openOn, rejectionOf, uniqueBucket } from '../support/backends.js';
import { linesOf, named } from '../support/importing.js';
import { userWith } from '../support/permissions.js';

/** A bucket as the existing package uses it. */
function keysIn(kv: KV): ExistingKeys {
    return {
        get: async key => {
            const entry = await kv.get(key);
            return entry === null ? undefined : { value: entry.string(), revision: entry.revision };
        },
        put: async (key, value, revision) => {
            try {
                await kv.put(key, value, revision === undefined ? {} : { previousSeq: revision });
                return true;
            } catch (error) {
                if (revision !== undefined && error instanceof Error && /wrong last sequence/.test(error.message)) {
                    return false;
                }
                throw error;
            }
        }
    };
}

describe.each(backends)('what the existing package has stored on $name', ({ start }) => {
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

    async function existingBucket(tokens: readonly string[] = []) {
        const bucket = uniqueBucket();
        const kv = await new Kvm(nc).create(bucket, { replicas: backend.replicas });
        const algorithm = await onceReachable(async () => {
            const one = new ExistingAlgorithm(keysIn(kv));
            await one.getResumeToken('app-0', '01');
            return one;
        });
        for (const token of tokens) {
            await algorithm.getOrCreateWatermark('app-0', token);
        }
        const open = () => openExistingStore({ servers: [...backend.urls], bucket });
        return { kv, algorithm, open, bucket };
    }

    test('arrives: old watermarks resume, tokens keep theirs, new ones are above', async () => {
        const { algorithm, open } = await existingBucket();
        const tokens = named('8265A0B1C2000000012B0229296E1404/+_=-', 1).concat(named('82657F', 300));
        const safe = tokens.map(token => token.replaceAll('+', ''));
        for (const token of safe) {
            await algorithm.getOrCreateWatermark('app-0', token);
            await algorithm.getOrCreateWatermark('app/1', token);
        }
        await using existing = await open();
        expect(existing.resumeTokens.problems).toEqual([]);
        expect(existing.resumeTokens).toMatchObject({ count: 602, unrelated: 0 });
        expect([...existing.resumeTokens.shardIds].sort()).toEqual(['app-0', 'app/1']);

        await using store = await openOn(backend);
        const { resumeTokens } = store;
        const report = await resumeTokens.importWatermarks(existing.resumeTokens.exportWatermarks());
        expect(report).toMatchObject({ created: 602, alreadyThere: 0 });
        for (const [index, token] of safe.entries()) {
            const old = versionToLexi(index + 1);
            if (index % 30 === 0) {
                expect(await resumeTokens.resume('app-0', old)).toEqual({ kind: 'resume', resumeToken: token });
            }
        }
        const kept = await resumeTokens.getOrCreateWatermarks('app/1', safe);
        expect(kept).toEqual(safe.map((_, index) => versionToLexi(index + 1)));
        expect((await resumeTokens.getOrCreateWatermark('app-0', 'new')) > versionToLexi(301)).toBe(true);
    });

    test('after real races: every old watermark leads back, whatever the races have done', async () => {
        const { algorithm, kv, open } = await existingBucket();
        const others = [1, 2, 3].map(() => new ExistingAlgorithm(keysIn(kv)));
        const given = new Map<string, string>();
        for (const token of named('raced-', 40)) {
            for (const watermark of await Promise.all(
                [algorithm, ...others].map(one => one.getOrCreateWatermark('app-0', token))
            )) {
                given.set(watermark, token);
            }
        }
        await using existing = await open();
        await using store = await openOn(backend);
        await store.resumeTokens.importWatermarks(existing.resumeTokens.exportWatermarks({ despiteProblems: true }));
        for (const [watermark, token] of given) {
            expect(await store.resumeTokens.getResumeToken('app-0', watermark)).toBe(token);
        }
    });

    test('broken entries of every kind are listed, and imported only when that is asked for', async () => {
        const { kv, open } = await existingBucket(['a', 'b', 'c', 'd', 'e']);
        await kv.put('zero_app-0.lsn', '03');
        await kv.put('zero_app-0.06', 'b');
        await kv.put('zero_app-0.b', '06');
        await kv.delete('zero_app-0.03');
        await kv.purge('zero_app-0.d');
        await kv.put('zero_app-0.e', 'no version');
        await kv.put('zero_app-0.f', '01');
        await kv.put('zero_app-0.07', 'a.>');
        await kv.put('zero_app-0.08', '*');
        await kv.put('zero_app-0.09', Uint8Array.of(0xff, 0xfe));
        await kv.put('zero_app-0.0a', '');
        await kv.put('orders', '{}');
        await using existing = await open();
        const { resumeTokens } = existing;
        expect(Object.fromEntries(resumeTokens.problems.map(({ key, found }) => [key, found]))).toEqual({
            'zero_app-0.02': 'a resume token that has the watermark "06"',
            'zero_app-0.c': '03, a watermark that leads nowhere',
            'zero_app-0.04': 'a resume token that has no watermark',
            'zero_app-0.05': 'a resume token that has the watermark "no version"',
            'zero_app-0.e': '"no version"',
            'zero_app-0.f': '01, a watermark that leads back to another resume token',
            'zero_app-0.07': 'a resume token that has no watermark',
            'zero_app-0.08': 'a resume token that has no watermark',
            'zero_app-0.09': 'a resume token that has no watermark',
            'zero_app-0.0a': '""',
            'zero_app-0.lsn': '03'
        });
        expect(resumeTokens).toMatchObject({ problemCount: 11, unrelated: 1 });
        await using store = await openOn(backend);
        const refused = store.resumeTokens.importWatermarks(resumeTokens.exportWatermarks());
        expect(await rejectionOf(refused)).toMatchObject({ code: WatermarkErrorCode.CORRUPT_RECORD });
        expect(await store.resumeTokens.head('app-0')).toBeNull();

        await store.resumeTokens.importWatermarks(resumeTokens.exportWatermarks({ despiteProblems: true }));
        const { getResumeToken } = bound(store.resumeTokens, 'app-0');
        const tokens = await Promise.all(['01', '02', '03', '04', '05', '06', '07', '08', '0a'].map(getResumeToken));
        expect(tokens).toEqual(['a', 'b', 'c', 'd', 'e', 'b', 'a.>', '*', undefined]);
        expect(await store.resumeTokens.getOrCreateWatermarks('app-0', ['a', 'b', 'c'])).toEqual(['01', '06', '03']);
    });

    test('thousands of entries, and the bucket is as it was', async () => {
        const { kv, open, bucket } = await existingBucket();
        await Promise.all(
            named('token-', 3_000).flatMap((token, index) => [
                kv.put(`zero_app-0.${token}`, versionToLexi(index + 1)),
                kv.put(`zero_app-0.${versionToLexi(index + 1)}`, token)
            ])
        );
        await kv.put('zero_app-0.lsn', versionToLexi(3_000));
        const before = await kv.status();
        await using existing = await open();
        expect(existing.resumeTokens).toMatchObject({ problemCount: 0, count: 3_000 });
        const lines = await linesOf(existing.resumeTokens.exportWatermarks());
        expect(lines.filter(line => line.includes('"watermark"'))).toHaveLength(3_000);
        const after = await (await new Kvm(nc).open(bucket)).status();
        expect(after.streamInfo.state.last_seq).toBe(before.streamInfo.state.last_seq);
    });

    test('a bucket that does not exist is not made', async () => {
        const { open } = await existingBucket();
        await using existing = await open();
        expect(existing.resumeTokens.count).toBe(0);
        const bucket = uniqueBucket();
        const missing = openExistingStore({ servers: [...backend.urls], bucket });
        expect(await rejectionOf(missing)).toMatchObject({ code: WatermarkErrorCode.BUCKET_NOT_FOUND });
        const streams = await nc.request('$JS.API.STREAM.NAMES', '');
        expect(streams.string()).not.toContain(bucket);
    });
});

function bound(
    service: { getResumeToken(shardId: string, watermark: string): Promise<string | undefined> },
    shard: string
) {
    return { getResumeToken: (watermark: string) => service.getResumeToken(shard, watermark) };
}

test('a reader’s permissions are enough', async () => {
    const bucket = 'existing';
    const subjects = [
        `$JS.API.STREAM.INFO.KV_${bucket}`,
        `$JS.API.STREAM.MSG.GET.KV_${bucket}`,
        `$JS.API.CONSUMER.CREATE.KV_${bucket}.*.$KV.${bucket}.>`,
        `$JS.API.CONSUMER.DELETE.KV_${bucket}.*`,
        `$JS.FC.KV_${bucket}.>`
    ];
    const users = [userWith('owner', ['>']), userWith('reader', subjects)];
    await using server = await startNatsServer({
        binary: natsServers().newest.path,
        config: `authorization { users: [${users.join('\n')}] }`
    });
    const owner = await connect({ servers: server.url, user: 'owner', pass: 'a-password' });
    const algorithm = new ExistingAlgorithm(keysIn(await new Kvm(owner).create(bucket)));
    for (const token of named('token-', 50)) {
        await algorithm.getOrCreateWatermark('app-0', token);
    }
    await using existing = await openExistingStore({
        servers: [server.url],
        bucket,
        user: 'reader',
        pass: 'a-password'
    });
    expect(existing.resumeTokens).toMatchObject({ count: 50, problemCount: 0 });
    expect(await linesOf(existing.resumeTokens.exportWatermarks())).toHaveLength(52);
    await owner.close();
});
