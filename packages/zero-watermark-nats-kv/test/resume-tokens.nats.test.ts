import { versionFromLexi, versionToLexi } from '@cbnsndwch/zero-contracts';
import { Kvm } from '@nats-io/kv';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type LexiVersion, WatermarkErrorCode } from '../src/store.js';
import {
    type Backend,
    backends,
    eventually,
    openOn,
    recordLog,
    rejectionOf,
    uniqueBucket
} from './support/backends.js';

function expectGrowing(watermarks: readonly LexiVersion[]): void {
    expect(watermarks).toEqual([...new Set(watermarks)].toSorted());
}

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe.each(backends)('resume tokens on $name', ({ start }) => {
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

    async function streamOf(bucket: string, shard = 's') {
        const jsm = await jetstreamManager(nc, { timeout: 10_000 });
        return { jsm, stream: `KV_${bucket}-tokens-${shard}` };
    }

    describe('one watermark a token', () => {
        test('the same one from every instance, and back', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket });
            await using two = await openOn(backend, { bucket });
            const watermark = await one.resumeTokens.getOrCreateWatermark('s', 'token-1');
            expect(await one.resumeTokens.getOrCreateWatermark('s', 'token-1')).toBe(watermark);
            expect(await two.resumeTokens.getOrCreateWatermark('s', 'token-1')).toBe(watermark);
            expect(await two.resumeTokens.getResumeToken('s', watermark)).toBe('token-1');
            expect(await two.resumeTokens.getResumeToken('s', `${watermark}.01`)).toBe('token-1');
            expect(await two.resumeTokens.head('s')).toEqual({ watermark, resumeToken: 'token-1' });
        });

        test('later tokens have larger ones, in calls that overlap too', async () => {
            await using store = await openOn(backend);
            const tokens = named('token-', 300);
            const watermarks = await Promise.all(
                tokens.map(token => store.resumeTokens.getOrCreateWatermark('s', token))
            );
            expectGrowing(watermarks);
            const again = await store.resumeTokens.getOrCreateWatermarks('s', tokens);
            expect(again).toEqual(watermarks);
        });

        test('many at once: new ones, known ones and the same one twice', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket });
            await using two = await openOn(backend, { bucket });
            const known = await one.resumeTokens.getOrCreateWatermarks('s', ['b', 'd']);
            const all = await two.resumeTokens.getOrCreateWatermarks('s', ['a', 'b', 'c', 'a', 'd', 'e']);
            expect([all[1], all[4]]).toEqual(known);
            expect(all[3]).toBe(all[0]);
            expectGrowing([all[1], all[4], all[0], all[2], all[5]].map(String));
            expect(await one.resumeTokens.getOrCreateWatermarks('s', [])).toEqual([]);
        });

        test('2,500 at once, and their replay by another instance', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket });
            await using two = await openOn(backend, { bucket });
            const tokens = named('bulk-', 2_500);
            const watermarks = await one.resumeTokens.getOrCreateWatermarks('s', tokens);
            expectGrowing(watermarks);
            expect(await two.resumeTokens.getOrCreateWatermarks('s', tokens)).toEqual(watermarks);
        });

        test('of four instances that race with the same tokens all get the same', async () => {
            const bucket = uniqueBucket();
            const stores = await Promise.all(Array.from({ length: 4 }, () => openOn(backend, { bucket })));
            const tokens = named('raced-', 200);
            const results = await Promise.all([
                stores[0]?.resumeTokens.getOrCreateWatermarks('s', tokens),
                stores[1]?.resumeTokens.getOrCreateWatermarks('s', tokens),
                ...[2, 3].map(index =>
                    Promise.all(tokens.map(token => stores[index]?.resumeTokens.getOrCreateWatermark('s', token)))
                )
            ]);
            for (const result of results) {
                expect(result).toEqual(results[0]);
            }
            expect(new Set(results[0]).size).toBe(tokens.length);
            await Promise.all(stores.map(store => store.close()));
        });

        test('any token: `lsn`, `01`, base64, JSON, 10 KB, any Unicode', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket });
            await using two = await openOn(backend, { bucket });
            const unicode = fc.sample(fc.string({ unit: 'binary', minLength: 1 }), { numRuns: 40, seed: 2 });
            const tokens = [
                'lsn',
                '01',
                'gmVn/+A==',
                '{"_data":"82 6"}',
                'x'.repeat(10_240),
                ' ',
                '\0',
                'sync.x',
                'marker.head',
                ...new Set(unicode)
            ];
            const watermarks = await one.resumeTokens.getOrCreateWatermarks('s', tokens);
            expectGrowing(watermarks);
            for (const [index, token] of tokens.entries()) {
                expect(await two.resumeTokens.getResumeToken('s', String(watermarks[index]))).toBe(token);
                expect(await two.resumeTokens.getOrCreateWatermark('s', token)).toBe(watermarks[index]);
            }
        });

        test("shards with any characters don't touch each other", async () => {
            await using store = await openOn(backend);
            const shards = ['a', 'A', 'a_', 'a-', 'a.b', 'a/b', 'ü', '0', ' '];
            const watermarks = await Promise.all(
                shards.map(shard => store.resumeTokens.getOrCreateWatermark(shard, shard))
            );
            for (const [index, shard] of shards.entries()) {
                expect(await store.resumeTokens.head(shard)).toEqual({
                    watermark: watermarks[index],
                    resumeToken: shard
                });
            }
        });

        test('one message a token, and nothing else', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            await store.resumeTokens.getOrCreateWatermarks('s', named('t', 500));
            await store.resumeTokens.getOrCreateWatermarks('s', named('t', 500));
            const { jsm, stream } = await streamOf(bucket);
            expect((await jsm.streams.info(stream)).state.messages).toBe(500);
        });
    });

    describe('bad arguments are refused', () => {
        test('and nothing is written', async () => {
            await using store = await openOn(backend);
            const { resumeTokens } = store;
            const nothing = undefined as unknown as string;
            for (const call of [
                () => resumeTokens.getOrCreateWatermark('', 't'),
                () => resumeTokens.getOrCreateWatermark('s', ''),
                () => resumeTokens.getOrCreateWatermark('s', nothing),
                () => resumeTokens.getOrCreateWatermark(nothing, 't'),
                () => resumeTokens.getOrCreateWatermark('s', 'a\uDC00'),
                () => resumeTokens.getOrCreateWatermarks('s', ['a', '']),
                () => resumeTokens.beginSync('s', ''),
                () => resumeTokens.getResumeToken('s', 'not a watermark'),
                () => resumeTokens.provision(['a', ''])
            ]) {
                expect(await rejectionOf(call())).toMatchObject({ code: WatermarkErrorCode.INVALID_ARGUMENT });
            }
            const tooLarge = await rejectionOf(resumeTokens.getOrCreateWatermark('s', 'x'.repeat(2_000_000)));
            expect(tooLarge).toMatchObject({ code: WatermarkErrorCode.VALUE_TOO_LARGE });
            expect(tooLarge.message).toMatch(/2000000 bytes/);
            expect(await resumeTokens.head('s')).toBeNull();
        });
    });

    describe('resume', () => {
        test('from what was given; a first connection begins with a sync', async () => {
            await using store = await openOn(backend);
            expect(await store.resumeTokens.resume('s', undefined)).toEqual({ kind: 'initial-sync' });
            const watermarks = await store.resumeTokens.getOrCreateWatermarks('s', ['a', 'b', 'c']);
            expect(await store.resumeTokens.resume('s', String(watermarks[1]))).toEqual({
                kind: 'resume',
                resumeToken: 'b'
            });
        });

        test('what another shard gave, or nobody, is unknown, and nothing is lost by asking', async () => {
            await using store = await openOn(backend);
            const { resumeTokens } = store;
            await resumeTokens.getOrCreateWatermarks('s', named('t', 20));
            const [inner] = await resumeTokens.getOrCreateWatermarks('s', ['t10']);
            const forged = versionFromLexi(String(inner)) ^ 1n;
            const beyondTheClock = versionToLexi(BigInt(Date.now() + 3_600_000) * 1_000n * 4_096n);
            for (const watermark of [versionToLexi(forged), beyondTheClock, 'not a watermark', '00', '0a.01']) {
                expect(await resumeTokens.resume('s', watermark)).toMatchObject({
                    kind: 'reset-required',
                    reason: 'unknown'
                });
                expect(await resumeTokens.getResumeToken('s', versionToLexi(forged))).toBeUndefined();
            }
            expect(await resumeTokens.getResumeToken('s', '00')).toBeUndefined();
            expect(await resumeTokens.resume('s', String(inner))).toEqual({ kind: 'resume', resumeToken: 't10' });
        });

        test('what was pruned is pruned', async () => {
            await using store = await openOn(backend, { retainMs: 0, retainTokens: 5 });
            const { resumeTokens } = store;
            const watermarks = await resumeTokens.getOrCreateWatermarks('s', named('t', 100));
            await resumeTokens.acknowledge('s', String(watermarks[50]));
            let point = await resumeTokens.resume('s', String(watermarks[0]));
            while (point.kind === 'resume') {
                point = await resumeTokens.resume('s', String(watermarks[0]));
            }
            expect(point).toMatchObject({ kind: 'reset-required', reason: 'pruned' });
            expect(await resumeTokens.resume('s', String(watermarks[44]))).toMatchObject({ reason: 'pruned' });
            for (const kept of [45, 50, 99]) {
                expect(await resumeTokens.resume('s', String(watermarks[kept]))).toEqual({
                    kind: 'resume',
                    resumeToken: `t${kept}`
                });
            }
        });
    });

    describe('beginSync', () => {
        test('always a watermark of its own, above all before, that resumes at its token', async () => {
            await using store = await openOn(backend);
            const { resumeTokens } = store;
            const change = await resumeTokens.getOrCreateWatermark('s', 'a');
            const syncs = [
                await resumeTokens.beginSync('s', 'a'),
                await resumeTokens.beginSync('s', 'a'),
                ...(await Promise.all([resumeTokens.beginSync('s', 'a'), resumeTokens.beginSync('s', 'a')]))
            ];
            expectGrowing([change, ...syncs]);
            for (const sync of syncs) {
                expect(await resumeTokens.resume('s', sync)).toEqual({ kind: 'resume', resumeToken: 'a' });
            }
            expect(await resumeTokens.head('s')).toEqual({ watermark: syncs.at(-1), resumeToken: 'a' });
            expect(await resumeTokens.getOrCreateWatermark('s', 'a')).toBe(change);
        });
    });

    describe('acknowledge', () => {
        test('of what this shard never gave removes nothing, and is logged', async () => {
            const log = recordLog();
            await using store = await openOn(backend, { retainMs: 0, retainTokens: 0, logger: log });
            const { resumeTokens } = store;
            const watermarks = await resumeTokens.getOrCreateWatermarks('s', named('t', 10));
            const forged = versionToLexi(versionFromLexi(String(watermarks[9])) ^ 1n);
            const ahead = versionToLexi(versionFromLexi(String(watermarks[9])) + 10n * 4_096n);
            for (const [index, watermark] of ['nonsense', forged, ahead].entries()) {
                await resumeTokens.acknowledge('s', watermark);
                await eventually(`warning ${index}`, () => log.warnings.length === index + 1);
            }
            expect(log.warnings.every(warning => warning.includes('nothing is removed'))).toBe(true);
            expect(await resumeTokens.resume('s', String(watermarks[0]))).toEqual({
                kind: 'resume',
                resumeToken: 't0'
            });
        });

        test('keeps a busy shard bounded', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket, retainMs: 0, retainTokens: 100 });
            const { jsm, stream } = await streamOf(bucket);
            for (let round = 0; round < 3; round += 1) {
                const watermarks = await store.resumeTokens.getOrCreateWatermarks('s', named(`r${round}-`, 1_000));
                await store.resumeTokens.acknowledge('s', String(watermarks.at(-1)));
                while ((await jsm.streams.info(stream)).state.messages > 101) {
                    await new Promise(resolve => setTimeout(resolve, 50));
                }
            }
        });
    });

    describe('abandon', () => {
        test('makes every watermark so far a reset, and new ones go on above', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket });
            await using two = await openOn(backend, { bucket });
            const before = await one.resumeTokens.getOrCreateWatermarks('s', ['a', 'b']);
            await two.resumeTokens.abandon('s');
            for (const watermark of before) {
                expect(await one.resumeTokens.resume('s', watermark)).toMatchObject({
                    kind: 'reset-required',
                    reason: 'pruned'
                });
            }
            expect(await one.resumeTokens.head('s')).toBeNull();
            const after = await one.resumeTokens.getOrCreateWatermark('s', 'a');
            expectGrowing([...before, after]);
        });
    });

    describe('lost history', () => {
        test('a bucket that was wiped and made again goes on above all that it gave, and says so', async () => {
            const bucket = uniqueBucket();
            const { jsm, stream } = await streamOf(bucket);
            const given: LexiVersion[] = [];
            for (let generation = 0; generation < 3; generation += 1) {
                await using store = await openOn(backend, { bucket });
                for (const old of given) {
                    expect(await store.resumeTokens.resume('s', old)).toMatchObject({
                        kind: 'reset-required',
                        reason: 'pruned'
                    });
                }
                given.push(await store.resumeTokens.beginSync('s', 'a'));
                given.push(...(await store.resumeTokens.getOrCreateWatermarks('s', named('t', 50))));
                expectGrowing(given);
                await jsm.streams.delete(stream);
            }
        });

        test('an instance whose bucket is wiped while it runs says so, and then goes on with the new one', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            const { jsm, stream } = await streamOf(bucket);
            const before = await store.resumeTokens.getOrCreateWatermark('s', 'a');
            await jsm.streams.delete(stream);
            expect(await rejectionOf(store.resumeTokens.getOrCreateWatermark('s', 'b'))).toMatchObject({
                code: WatermarkErrorCode.BUCKET_NOT_FOUND
            });
            expect(await store.resumeTokens.resume('s', before)).toMatchObject({ reason: 'pruned' });
            expectGrowing([before, await store.resumeTokens.getOrCreateWatermark('s', 'b')]);
        });

        test('an empty stream put in place under a running instance is noticed at the first write', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            const { jsm, stream } = await streamOf(bucket);
            const before = await store.resumeTokens.getOrCreateWatermarks('s', named('t', 20));
            const { config } = await jsm.streams.info(stream);
            await jsm.streams.delete(stream);
            await jsm.streams.add(config);
            const error = await rejectionOf(store.resumeTokens.getOrCreateWatermark('s', 'new'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.HISTORY_LOST });
            const after = await store.resumeTokens.getOrCreateWatermark('s', 'new');
            expectGrowing([...before, after]);
            expect(await store.resumeTokens.resume('s', String(before[0]))).toMatchObject({ reason: 'pruned' });
        });

        test('a tail that was lost is ahead of the head: reset, and the shard goes on above it', async () => {
            const bucket = uniqueBucket();
            const { jsm, stream } = await streamOf(bucket);
            await using store = await openOn(backend, { bucket });
            const kept = await store.resumeTokens.getOrCreateWatermarks('s', named('kept', 10));
            const { config, state } = await jsm.streams.info(stream);
            const lost = await store.resumeTokens.getOrCreateWatermarks('s', named('lost', 10));
            // What an old backup is: the same stream, ending earlier.
            await jsm.streams.delete(stream);
            await jsm.streams.add(config);
            await jsm.streams.purge(stream, { seq: state.last_seq });
            await using another = await openOn(backend, { bucket });
            const restored = await another.resumeTokens.getOrCreateWatermark('s', 'restored');
            expect(restored < String(lost[9])).toBe(true);
            expect(await another.resumeTokens.resume('s', String(lost[9]))).toMatchObject({
                kind: 'reset-required',
                reason: 'ahead-of-head'
            });
            const after = await another.resumeTokens.beginSync('s', 'again');
            expectGrowing([...kept, ...lost, after]);
            expect(await another.resumeTokens.resume('s', String(lost[9]))).toMatchObject({ reason: 'pruned' });
        });

        test('a tail that was written anew with other tokens is recognised by the check', async () => {
            const bucket = uniqueBucket();
            const { jsm, stream } = await streamOf(bucket);
            await using store = await openOn(backend, { bucket });
            const [first] = await store.resumeTokens.getOrCreateWatermarks('s', named('old', 30));
            const { config, state } = await jsm.streams.info(stream);
            await jsm.streams.delete(stream);
            await jsm.streams.add(config);
            await jsm.streams.purge(stream, { seq: state.first_seq });
            await using another = await openOn(backend, { bucket });
            await another.resumeTokens.getOrCreateWatermarks('s', named('new', 30));
            expect(await another.resumeTokens.resume('s', String(first))).toMatchObject({
                kind: 'reset-required',
                reason: 'unknown'
            });
            expect(await another.resumeTokens.getResumeToken('s', String(first))).toBeUndefined();
        });

        test('two instances that fence at once use one number, and lose nothing that was stored since', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket });
            await using two = await openOn(backend, { bucket });
            const before = await one.resumeTokens.getOrCreateWatermarks('s', named('t', 5));
            await Promise.all([one.resumeTokens.abandon('s'), two.resumeTokens.abandon('s')]);
            const after = await one.resumeTokens.getOrCreateWatermark('s', 'a');
            expectGrowing([...before, after]);
            expect(await two.resumeTokens.resume('s', after)).toEqual({ kind: 'resume', resumeToken: 'a' });
        });
    });

    describe('provision and policy', () => {
        test('provision makes the buckets; without it, policy require refuses the shard', async () => {
            const bucket = uniqueBucket();
            await using administrator = await openOn(backend, { bucket });
            await administrator.resumeTokens.provision(['one', 'two']);
            const names: string[] = [];
            for await (const status of new Kvm(nc).list()) {
                names.push(status.bucket);
            }
            expect(names).toEqual(expect.arrayContaining([`${bucket}-tokens-one`, `${bucket}-tokens-two`]));
            await using application = await openOn(backend, { bucket, bucketPolicy: 'require' });
            await application.resumeTokens.getOrCreateWatermark('one', 'a');
            const error = await rejectionOf(application.resumeTokens.getOrCreateWatermark('three', 'a'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_NOT_FOUND });
            expect(error.message).toContain(`${bucket}-tokens-three`);
        });
    });

    describe('compareResumeTokens', () => {
        const compareResumeTokens = (a: string, b: string) => Number(a) - Number(b);

        test('refuses a new token that is not after the head, whoever stored the head', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket, compareResumeTokens });
            await using two = await openOn(backend, { bucket, compareResumeTokens });
            const watermarks = await one.resumeTokens.getOrCreateWatermarks('s', ['1', '2', '10']);
            expectGrowing(watermarks);
            const error = await rejectionOf(two.resumeTokens.getOrCreateWatermark('s', '9'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.OUT_OF_ORDER });
            expect(await two.resumeTokens.getOrCreateWatermark('s', '2')).toBe(watermarks[1]);
            expectGrowing([...watermarks, await two.resumeTokens.getOrCreateWatermark('s', '11')]);
        });

        test('gives those before the offending one theirs', async () => {
            await using store = await openOn(backend, { compareResumeTokens });
            const calls = ['1', '3', '2', '4'].map(token =>
                store.resumeTokens.getOrCreateWatermark('s', token).catch((error: unknown) => error)
            );
            const [first, second, third, fourth] = await Promise.all(calls);
            expectGrowing([String(first), String(second)]);
            expect(third).toMatchObject({ code: WatermarkErrorCode.OUT_OF_ORDER });
            expect(fourth).toBeInstanceOf(Error);
            expect(await store.resumeTokens.head('s')).toMatchObject({ resumeToken: '3' });
        });

        test('instances that race keep the order', async () => {
            const bucket = uniqueBucket();
            await using one = await openOn(backend, { bucket, compareResumeTokens });
            await using two = await openOn(backend, { bucket, compareResumeTokens });
            const given = new Map<number, string>();
            await Promise.all(
                [one, two].map(async (store, index) => {
                    for (let token = index + 1; token <= 60; token += 2) {
                        await store.resumeTokens.getOrCreateWatermark('s', String(token)).then(
                            watermark => given.set(token, watermark),
                            (error: unknown) => expect(error).toMatchObject({ code: WatermarkErrorCode.OUT_OF_ORDER })
                        );
                    }
                })
            );
            const inTokenOrder = [...given.entries()].toSorted(([a], [b]) => a - b).map(([, watermark]) => watermark);
            expectGrowing(inTokenOrder);
            expect(inTokenOrder.length).toBeGreaterThanOrEqual(30);
        });
    });

    describe('assignWatermarks', () => {
        test('gives each change of a fast source its watermark, in order', async () => {
            await using store = await openOn(backend);
            async function* changes() {
                for (let position = 0; position < 3_000; position += 1) {
                    yield { position };
                }
            }
            const watermarks: LexiVersion[] = [];
            const assigned = store.resumeTokens.assignWatermarks('s', changes(), {
                resumeTokenOf: change => `position-${change.position}`
            });
            for await (const { change, watermark } of assigned) {
                expect(change.position).toBe(watermarks.length);
                watermarks.push(watermark);
            }
            expectGrowing(watermarks);
            expect(watermarks).toHaveLength(3_000);
            expect(await store.resumeTokens.getResumeToken('s', String(watermarks[2_999]))).toBe('position-2999');
        });
    });
});
