import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type NatsServer, startNatsServer, startTcpProxy } from '@cbnsndwch/zero-watermark-nats-kv/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { natsServers } from '../../../packages/zero-watermark-nats-kv/test/nats-binaries.js';
import { Playground, SMALL_SCHEMA } from './support/application.js';
import { FakeZeroCache } from './support/fake-zero-cache.js';

const { newest, oldest } = natsServers();

describe.each([newest, oldest])('the change source on nats-server $version', ({ path }) => {
    let server: NatsServer;
    let playground: Playground;
    const open: FakeZeroCache[] = [];

    beforeAll(async () => {
        server = await startNatsServer({ binary: path });
    });
    afterAll(() => server.stop());
    beforeEach(async () => {
        playground = await Playground.open([server.url]);
    });
    afterEach(async () => {
        open.splice(0).forEach(zeroCache => zeroCache.close());
        await playground[Symbol.asyncDispose]();
    });

    function goOn(url: string, after: string, options: Parameters<typeof FakeZeroCache.after>[2] = {}): FakeZeroCache {
        const zeroCache = FakeZeroCache.after(url, after, options);
        open.push(zeroCache);
        return zeroCache;
    }

    describe('initial sync', () => {
        test('sends all tables, with keys, and all rows that are rows', async () => {
            await playground.putItem('a', 1);
            await playground.putItem('b', 2);
            await playground.bucket.delete('item.b');
            await playground.put('item.c', { count: 3, note: 'no key in it', unknown: true });
            await playground.put('item.d', { id: 'other', count: 4 });
            await playground.put('item.e', 'no JSON');
            await playground.put('tag.a.1', { data: { deep: [null] } });
            await playground.put('elsewhere.a', { id: 'a' });
            const { rows, transactions } = await FakeZeroCache.initialSync(await playground.start());
            expect([...(rows.get('item')?.values() ?? [])]).toEqual([
                { id: 'a', count: 1, note: null },
                { id: 'c', count: 3, note: 'no key in it' }
            ]);
            expect([...(rows.get('tag')?.values() ?? [])]).toEqual([{ item: 'a', rank: 1, data: { deep: [null] } }]);
            const created = transactions[0]?.changes.flatMap(change =>
                change.tag === 'create-table' ? `${change.spec.schema}.${change.spec.name}` : []
            );
            expect(created).toEqual([
                'public.item',
                'public.tag',
                'zero.permissions',
                'zero_0.clients',
                'zero_0.mutations'
            ]);
        });

        test('of an empty bucket, and of one whose last key is gone without a mark, ends', async () => {
            const url = await playground.start();
            expect((await FakeZeroCache.initialSync(url)).rows.get('item')).toBeUndefined();
            await playground.putItem('a', 1);
            await playground.purge('item.a');
            expect((await FakeZeroCache.initialSync(url)).rows.get('item')).toBeUndefined();
        });

        test('each time has a watermark of its own, above all before', async () => {
            const url = await playground.start();
            const first = await FakeZeroCache.initialSync(url);
            const second = await FakeZeroCache.initialSync(url);
            expect(second.last > first.last).toBe(true);
        });

        test('loses nothing and doubles nothing while writers are busy', async () => {
            const expected = new Map<string, number>();
            const url = await playground.start();
            for (let round = 0; round < 300; round += 1) {
                await playground.putItem(`i${round}`, round);
                expected.set(`i${round}`, round);
            }
            let isWriting = true;
            const writing = (async () => {
                for (let round = 0; isWriting; round += 1) {
                    const id = `i${(round * 7) % 400}`;
                    if (round % 5 === 4) {
                        await playground.bucket.delete(`item.${id}`);
                        expected.delete(id);
                    } else {
                        await playground.putItem(id, round);
                        expected.set(id, round);
                    }
                }
            })();
            const replicas = [];
            for (let sync = 0; sync < 5; sync += 1) {
                const snapshot = await FakeZeroCache.initialSync(url);
                const replica = goOn(url, snapshot.last);
                replica.rows.set('item', snapshot.rows.get('item') ?? new Map<string, unknown>());
                replicas.push(replica);
            }
            isWriting = false;
            await writing;
            await playground.put('item.the=20end', { count: 0 });
            expected.set('the end', 0);
            for (const replica of replicas) {
                await replica.until('the last row', () => replica.rows.get('item')?.has('["the end"]') === true);
                const rows = [...(replica.rows.get('item')?.values() ?? [])] as { id: string; count: number }[];
                expect(new Map(rows.map(({ id, count }) => [id, count]))).toEqual(expected);
            }
        });
    });

    describe('changes', () => {
        test('come as they are written, also removals, of several tables', async () => {
            const url = await playground.start();
            const zeroCache = goOn(url, (await FakeZeroCache.initialSync(url)).last);
            await playground.putItem('a', 1);
            await playground.put('tag.a.1', { data: 'x' });
            await playground.putItem('a', 2);
            await playground.bucket.delete('item.a');
            await playground.bucket.purge('tag.a.1');
            await zeroCache.until('the removals', () => zeroCache.rows.get('tag')?.size === 0);
            expect(zeroCache.rows.get('item')?.size).toBe(0);
            const marks = zeroCache.transactions.map(({ watermark }) => watermark);
            expect(marks).toEqual([...new Set(marks)].sort());
        });

        test('are the same, with the same watermarks, from every instance', async () => {
            const urls = [await playground.start(), await playground.start()] as const;
            const { last } = await FakeZeroCache.initialSync(urls[0]);
            const both = urls.map(url => goOn(url, last));
            for (let round = 0; round < 50; round += 1) {
                await playground.putItem(`i${round}`, round);
            }
            await Promise.all(both.map(zeroCache => zeroCache.changes(50)));
            const [first, second] = both;
            expect(first?.rows).toEqual(second?.rows);
            expect(first?.last).toBe(second?.last);
        });

        test('wait for the commit of the transaction before, and go out together then; an echo is no commit', async () => {
            const url = await playground.start();
            const { last } = await FakeZeroCache.initialSync(url);
            const zeroCache = goOn(url, last, { acknowledges: false });
            await playground.putItem('a', 1);
            await zeroCache.changes(1);
            for (let round = 0; round < 20; round += 1) {
                await playground.putItem(`i${round}`, round);
            }
            zeroCache.send(['status', { ack: true }, { watermark: zeroCache.last }]);
            await FakeZeroCache.initialSync(url); // all of that has been dealt with by now
            expect(zeroCache.transactions).toHaveLength(1);
            zeroCache.acknowledge(zeroCache.last);
            await zeroCache.until('the others', () => zeroCache.transactions.length === 2);
            expect(zeroCache.transactions[1]?.changes).toHaveLength(20);
        });

        test('that were sent and are in doubt end at the same watermark again, although they were overwritten', async () => {
            const url = await playground.start();
            const { last } = await FakeZeroCache.initialSync(url);
            await playground.putItem('a', 1);
            const crashing = goOn(url, last, { acknowledges: false });
            await crashing.changes(1);
            crashing.close();
            await playground.putItem('a', 2);
            const restarted = goOn(await playground.start(), last);
            await restarted.changes(1);
            expect(restarted.transactions.map(({ changes }) => changes.length)).toEqual([0, 1]);
            expect(restarted.transactions[0]?.watermark).toBe(crashing.last);
        });

        test('wait while NATS is away, and go on when it is back', async () => {
            const url = await playground.start();
            const { last } = await FakeZeroCache.initialSync(url);
            const zeroCache = goOn(url, last);
            await playground.putItem('a', 1);
            await zeroCache.changes(1);
            await server.kill();
            await server.restart();
            await playground.untilStored(() => playground.putItem('b', 1));
            await zeroCache.changes(2);
            expect(zeroCache.isClosed).toBe(false);
        });

        test('that are not published move a quiet zero-cache on after a while', async () => {
            const url = await playground.start({ idleMs: 200 });
            const { last } = await FakeZeroCache.initialSync(url);
            const zeroCache = goOn(url, last);
            await playground.put('elsewhere.a', {});
            await zeroCache.until('an empty transaction', () => zeroCache.transactions.length === 1);
            expect(zeroCache.transactions[0]?.changes).toEqual([]);
            await playground.putItem('a', 1);
            await zeroCache.changes(1);
            const again = goOn(url, zeroCache.transactions[0]?.watermark ?? '');
            await again.changes(1);
            expect(again.last).toBe(zeroCache.last);
        });
    });

    describe('zero-caches', () => {
        test('of other shards and applications have watermarks of their own', async () => {
            const url = await playground.start();
            const shards = [{}, { shardNum: '1' }, { appID: 'other' }];
            const snapshots = await Promise.all(shards.map(shard => FakeZeroCache.initialSync(url, shard)));
            const streams = snapshots.map(({ last }, index) => goOn(url, last, { parameters: shards[index] ?? {} }));
            await playground.putItem('a', 1);
            await Promise.all(streams.map(stream => stream.changes(1)));
            const foreign = goOn(url, streams[1]?.last ?? '');
            await foreign.until('a reset', () => foreign.resets.length === 1);
        });

        test('that ask for publications get the tables in them', async () => {
            const url = await playground.start();
            await playground.put('tag.a.1', { data: 1 });
            await playground.putItem('a', 1);
            const parameters = { publications: 'items' };
            const snapshot = await FakeZeroCache.initialSync(url, parameters);
            expect([...snapshot.rows.keys()].sort()).toEqual(['item', 'permissions']);
            const stream = goOn(url, snapshot.last, { parameters });
            await playground.put('tag.a.2', { data: 2 });
            await playground.putItem('b', 1);
            await stream.changes(1);
            expect([...stream.rows.keys()]).toEqual(['item']);
        });

        test('that may not be served are refused after a while, with the reason', async () => {
            const url = await playground.start({ secret: 'right' });
            const begin = performance.now();
            const refusals = [
                { parameters: {}, status: 401 },
                { parameters: { secret: 'wrong' }, status: 401 },
                { parameters: { secret: 'right', shardNum: 'x' }, status: 400 },
                { parameters: { secret: 'right', publications: 'unknown' }, status: 400 }
            ].map(async ({ parameters, status }) => {
                const { socket } = new FakeZeroCache(url, { parameters });
                const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
                expect(response.statusCode).toBe(status);
                socket.terminate();
            });
            await Promise.all(refusals);
            expect(performance.now() - begin).toBeGreaterThan(1_500);
            await FakeZeroCache.initialSync(url, { secret: 'right' });
        });
    });

    describe('reset', () => {
        async function expectReset(url: string, lastWatermark: string, reason: RegExp): Promise<void> {
            const zeroCache = goOn(url, lastWatermark);
            await zeroCache.until('a reset', () => zeroCache.resets.length === 1);
            expect(zeroCache.resets[0]).toMatch(reason);
            // A connection that is closed would only be made again before zero-cache has ended itself.
            await FakeZeroCache.initialSync(url);
            expect(zeroCache.isClosed).toBe(false);
        }

        test('when the watermark was never given', async () => {
            const url = await playground.start();
            await FakeZeroCache.initialSync(url);
            await expectReset(url, '05', /./);
        });

        test('when zero-cache was away for longer than tokens are kept', async () => {
            const url = await playground.start({ retainTokens: 1, retainMs: 0 });
            const { last } = await FakeZeroCache.initialSync(url);
            const serving = goOn(url, last);
            for (let count = 1; count <= 3; count += 1) {
                await playground.putItem('a', count);
                await serving.changes(count);
            }
            const answer = async () => {
                const returning = goOn(url, last, { acknowledges: false });
                await returning.until('an answer', () => returning.resets.length + returning.transactions.length > 0);
                returning.close();
                return returning.resets[0] ?? '';
            };
            // Tokens are removed a moment after they were acknowledged.
            let reason = await answer();
            for (let tries = 0; reason === '' && tries < 50; tries += 1) {
                await new Promise(resolve => setTimeout(resolve, 100));
                reason = await answer();
            }
            expect(reason).toMatch(/retainTokens, retainMs/);
            const recent = goOn(url, serving.last);
            await playground.putItem('a', 4);
            await recent.changes(1);
        });

        test('when the tables have changed', async () => {
            const { last } = await FakeZeroCache.initialSync(await playground.start());
            const { item } = SMALL_SCHEMA.tables;
            const schema = { tables: { item: { ...item, columns: { ...item.columns, more: 'number?' } } } } as const;
            await expectReset(await playground.start({ schema }), last, /tables have changed/);
        });

        test('when the bucket was deleted and made anew, also while it is read', async () => {
            const url = await playground.start();
            await playground.putItem('a', 1);
            const { last } = await FakeZeroCache.initialSync(url);
            const reading = goOn(url, last);
            await playground.putItem('b', 1);
            await reading.changes(1);
            await playground.deleteBucket();
            await playground.makeBucket();
            await playground.putItem('c', 1);
            await reading.until('a reset', () => reading.resets.length === 1);
            await expectReset(url, last, /.*/);
            expect([...((await FakeZeroCache.initialSync(url)).rows.get('item')?.keys() ?? [])]).toEqual(['["c"]']);
        });

        test('when the bucket lost changes that were read, and has others in their place', async () => {
            const backup = await mkdtemp(join(tmpdir(), 'rows-backup-'));
            onTestFinished(() => rm(backup, { recursive: true }));
            await using own = await startNatsServer({ binary: path });
            await using proxy = await startTcpProxy({ target: own });
            await using rows = await Playground.open([own.url]);
            const url = await rows.start({ servers: [proxy.url] });
            await rows.putItem('a', 1);
            const { last } = await FakeZeroCache.initialSync(url);
            await own.kill('SIGTERM');
            await cp(rows.folderIn(own), backup, { recursive: true });
            await own.restart();
            const reading = goOn(url, last);
            await rows.untilStored(() => rows.putItem('lost', 1));
            await reading.changes(1);

            proxy.cut();
            await own.kill();
            await rm(rows.folderIn(own), { recursive: true });
            await cp(backup, rows.folderIn(own), { recursive: true });
            await own.restart();
            await rows.untilStored(() => rows.putItem('instead', 1));
            await rows.putItem('beyond', 1);
            proxy.heal();
            await reading.until('a reset', () => reading.resets.length === 1);
            expect(reading.resets[0]).toMatch(/lost changes that were read from it, and others stand in their place/);
        });
    });
});
