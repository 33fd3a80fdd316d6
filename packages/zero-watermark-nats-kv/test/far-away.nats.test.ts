import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openWatermarkStore, type WatermarkStore } from '../src/store.js';
import { type NatsServer, startNatsCluster, startNatsServer, startTcpProxy, type TcpProxy } from '../src/testing.js';
import { natsServers } from './nats-binaries.js';
import { uniqueBucket } from './support/backends.js';
import { TripCounter } from './support/trip-counter.js';

const SHARD = 's';

/** Servers that are far away: whoever connects to the counter goes through the slow link. */
class FarAway implements AsyncDisposable {
    readonly counter: TripCounter;
    readonly #link: TcpProxy;
    readonly #roundTripMs: number;
    readonly #stop: () => Promise<void>;

    private constructor(counter: TripCounter, link: TcpProxy, roundTripMs: number, stop: () => Promise<void>) {
        this.counter = counter;
        this.#link = link;
        this.#roundTripMs = roundTripMs;
        this.#stop = stop;
    }

    static async from(server: NatsServer, stop: () => Promise<void>, roundTripMs = 75): Promise<FarAway> {
        const link = await startTcpProxy({ target: server });
        link.delay(roundTripMs / 2);
        return new FarAway(await TripCounter.before(link), link, roundTripMs, stop);
    }

    /** Counts the round trips of an operation, which then can't have taken less time than these do. */
    async trips(operation: () => Promise<unknown>): Promise<number> {
        const { trips, elapsedMs } = await this.counter.count(operation);
        // The clocks of timers and of measurements differ by less than a millisecond.
        expect(elapsedMs).toBeGreaterThan(trips * (this.#roundTripMs - 1));
        return trips;
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.counter[Symbol.asyncDispose]();
        await this.#link.stop();
        await this.#stop();
    }
}

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const open = (far: FarAway, bucket: string, replicas = 1) =>
    openWatermarkStore({ servers: [far.counter.url], bucket, replicas });

describe.each([
    { roundTripMs: 25, tenThousandTokens: 3, mostToAssign: 5 },
    { roundTripMs: 75, tenThousandTokens: 2, mostToAssign: 4 }
])('with $roundTripMs ms of round trip', ({ roundTripMs, tenThousandTokens, mostToAssign }) => {
    let far: FarAway;
    let store: WatermarkStore;
    let bucket: string;

    beforeAll(async () => {
        bucket = uniqueBucket();
        const server = await startNatsServer({ binary: natsServers().newest.path });
        far = await FarAway.from(server, () => server.stop(), roundTripMs);
        store = await open(far, bucket);
        await store.resumeTokens.provision([SHARD]);
        // How a shard stores many together is tried out with its first ones, which takes some round trips more.
        for (const round of named('trial-', 6)) {
            await store.resumeTokens.getOrCreateWatermarks(SHARD, named(`${round}-many-`, 400));
            await store.resumeTokens.getOrCreateWatermarks(SHARD, named(`${round}-few-`, 100));
        }
    });
    afterAll(async () => {
        await store.close();
        await far[Symbol.asyncDispose]();
    });

    const many = named('k', 256);

    test.each<{ name: string; trips: number; run: () => Promise<unknown> }>([
        { name: 'set', trips: 1, run: () => store.watermarks.set('a', 'v1') },
        { name: 'get', trips: 1, run: () => store.watermarks.get('a') },
        { name: 'create', trips: 1, run: () => store.watermarks.create('b', 'v1') },
        { name: 'advance, which reads before it writes', trips: 2, run: () => store.watermarks.advance('a', 'v2') },
        { name: 'advance that need not write', trips: 1, run: () => store.watermarks.advance('a', 'v0') },
        { name: 'delete', trips: 1, run: () => store.watermarks.delete('b') },
        {
            name: '256 set of as many keys, side by side',
            trips: 1,
            run: () => Promise.all(many.map(key => store.watermarks.set(key, 'v1')))
        },
        {
            name: '256 set of one key, of which all but the first are merged',
            trips: 2,
            run: () => Promise.all(many.map(version => store.watermarks.set('a', version)))
        },
        { name: 'getMany', trips: 1, run: () => store.watermarks.getMany(many) },
        { name: 'getAll', trips: 2, run: () => store.watermarks.getAll() },
        {
            name: 'the start of a watch',
            trips: 2,
            run: async () => {
                const stop = await store.watermarks.watch('a', () => {});
                stop();
            }
        },
        {
            name: 'the start of a view',
            trips: 2,
            run: async () => {
                await store.watermarks.view().ready;
            }
        }
    ])('$name: $trips', async ({ trips, run }) => {
        expect(await far.trips(run)).toBe(trips);
    });

    test('compareAndSet, which reads before it writes: 2', async () => {
        const revision = await store.watermarks.create('c', 'v1');
        expect(await far.trips(() => store.watermarks.compareAndSet('c', revision, 'v2'))).toBe(2);
    });

    test('a read of a view: none', async () => {
        const view = store.watermarks.view();
        await view.ready;
        expect(await far.trips(async () => view.get('a'))).toBe(0);
        await view.close();
    });

    test.each<{ name: string; trips: number; run: () => Promise<unknown> }>([
        { name: 'a new token', trips: 1, run: () => store.resumeTokens.getOrCreateWatermark(SHARD, 'one') },
        { name: 'a token just seen', trips: 0, run: () => store.resumeTokens.getOrCreateWatermark(SHARD, 'one') },
        { name: 'beginSync', trips: 1, run: () => store.resumeTokens.beginSync(SHARD, 'one') },
        { name: 'head', trips: 1, run: () => store.resumeTokens.head(SHARD) },
        {
            name: '1,000 new tokens in one call',
            trips: 1,
            run: () => store.resumeTokens.getOrCreateWatermarks(SHARD, named('thousand-', 1_000))
        },
        {
            name: '10,000 new tokens in one call',
            trips: tenThousandTokens,
            run: () => store.resumeTokens.getOrCreateWatermarks(SHARD, named('ten-thousand-', 10_000))
        },
        {
            name: '64 callers with a new token each, side by side',
            trips: 1,
            run: () =>
                Promise.all(named('caller-', 64).map(token => store.resumeTokens.getOrCreateWatermark(SHARD, token)))
        }
    ])('$name: $trips', async ({ trips, run }) => {
        expect(await far.trips(run)).toBe(trips);
    });

    test('resume: 1', async () => {
        const watermark = await store.resumeTokens.getOrCreateWatermark(SHARD, 'to resume');
        expect(await far.trips(() => store.resumeTokens.resume(SHARD, watermark))).toBe(1);
    });

    test('callers that began at different times come to share their round trips', async () => {
        const began = [store.resumeTokens.getOrCreateWatermark(SHARD, 'early')];
        await new Promise(resolve => setImmediate(resolve));
        const call = async (caller: string) => {
            for (const token of named(`${caller}-`, 4)) {
                await store.resumeTokens.getOrCreateWatermark(SHARD, token);
            }
        };
        const trips = await far.trips(() =>
            Promise.all([...began.map(each => each.then(() => call('early'))), call('late')])
        );
        expect(trips).toBe(5);
    });

    test.each([
        { maxInFlight: 1_000, changes: 5_000, most: 7 },
        { maxInFlight: 5_000, changes: 10_000, most: mostToAssign }
    ])(
        'assignWatermarks hands out maxInFlight changes a round trip: $maxInFlight',
        async ({ maxInFlight, changes, most }) => {
            async function* source() {
                yield* named(`assigned-${maxInFlight}-`, changes);
            }
            let handedOut = 0;
            const trips = await far.trips(async () => {
                const assigned = store.resumeTokens.assignWatermarks(SHARD, source(), {
                    resumeTokenOf: token => token,
                    maxInFlight
                });
                for await (const { watermark } of assigned) {
                    handedOut += watermark === '' ? 0 : 1;
                }
            });
            expect(handedOut).toBe(changes);
            expect(trips).toBeLessThanOrEqual(most);
        }
    );

    test('another instance finds known tokens: the first in two round trips, others in one each, 1,000 in two', async () => {
        await using other = await open(far, bucket);
        await other.resumeTokens.provision([SHARD]);
        const known = named('thousand-', 1_000);
        const ask = (tokens: readonly string[]) => other.resumeTokens.getOrCreateWatermarks(SHARD, tokens);
        // The first one is taken for new, which shows that it is not.
        expect(await far.trips(() => ask(known.slice(0, 1)))).toBe(2);
        expect(await far.trips(() => ask(known.slice(1, 2)))).toBe(1);
        expect(await far.trips(() => ask(known.slice(2)))).toBe(2);
        await ask(['new again']);
        expect(await far.trips(() => ask(['one']))).toBe(2);
    });
});

test('getAll and the start of a view wait for more the more there is: with 10,000 keys, four round trips at the most', async () => {
    const server = await startNatsServer({ binary: natsServers().newest.path });
    await using far = await FarAway.from(server, () => server.stop());
    const bucket = uniqueBucket();
    await using near = await openWatermarkStore({ servers: [server.url], bucket });
    await Promise.all(named('key-', 10_000).map(key => near.watermarks.set(key, 'v1', { lastId: key, count: 25 })));
    await using store = await open(far, bucket);

    const all = await far.counter.count(() => store.watermarks.getAll());
    const view = store.watermarks.view();
    const viewed = await far.counter.count(() => view.ready);

    expect([all.result.size, view.size]).toEqual([10_000, 10_000]);
    for (const { trips } of [all, viewed]) {
        // One more than with few keys: the server sends 2 MB, and waits for a sign that they are being taken.
        expect(trips).toBeGreaterThanOrEqual(3);
        expect(trips).toBeLessThanOrEqual(4);
    }
});

test('while a shard finds out how it stores many tokens, a call takes four round trips at the most', async () => {
    const server = await startNatsServer({ binary: natsServers().newest.path });
    await using far = await FarAway.from(server, () => server.stop());
    await using store = await open(far, uniqueBucket());
    await store.resumeTokens.provision([SHARD]);
    const trips: number[] = [];
    for (const round of named('round-', 6)) {
        trips.push(await far.trips(() => store.resumeTokens.getOrCreateWatermarks(SHARD, named(round, 1_000))));
    }
    // The first one also asks where the stream ends.
    expect(trips).toEqual([4, 3, 3, 3, 3, 1]);
});

test('a shard on three replicas stores 1,000 tokens a round trip', async () => {
    const cluster = await startNatsCluster(3, { binary: natsServers().newest.path });
    const [node] = cluster.nodes;
    if (node === undefined) {
        throw new Error('the cluster has no node');
    }
    await using far = await FarAway.from(node, () => cluster.stop());
    await using store = await open(far, uniqueBucket(), 3);
    await store.resumeTokens.provision([SHARD]);
    for (const [count, trips] of [
        [1_000, 1],
        [3_000, 3]
    ] as const) {
        const tokens = named(`${count}-`, count);
        expect(await far.trips(() => store.resumeTokens.getOrCreateWatermarks(SHARD, tokens))).toBe(trips);
    }
});

describe.each([natsServers().newest, natsServers().oldest])('the start on nats-server $version', ({ path: binary }) => {
    test('takes a known number of round trips, with TCP and the handshake', async () => {
        const server = await startNatsServer({ binary });
        await using far = await FarAway.from(server, () => server.stop());
        const bucket = uniqueBucket();
        const start = async () => {
            const { result: store, trips: opening } = await far.counter.count(() => open(far, bucket));
            const reading = await far.trips(() => store.watermarks.get('a'));
            return { store, opening, reading };
        };
        const first = await start();
        const shard = await far.trips(() => first.store.resumeTokens.getOrCreateWatermark(SHARD, 'new'));
        expect({ opening: first.opening, reading: first.reading, shard }).toEqual({ opening: 4, reading: 1, shard: 4 });
        const watermark = await first.store.resumeTokens.getOrCreateWatermark(SHARD, 'newer');
        await first.store.close();

        const second = await start();
        const resuming = await far.trips(() => second.store.resumeTokens.resume(SHARD, watermark));
        expect({ opening: second.opening, reading: second.reading, resuming }).toEqual({
            opening: 3,
            reading: 1,
            resuming: 3
        });
        await second.store.close();

        const third = await start();
        expect(await far.trips(() => third.store.resumeTokens.getOrCreateWatermark(SHARD, 'newest'))).toBe(3);
        await third.store.close();
    });
});
