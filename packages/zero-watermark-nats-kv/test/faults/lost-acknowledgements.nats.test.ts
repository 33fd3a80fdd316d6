import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { type NatsKvConfig, WatermarkErrorCode, type WatermarkService, type WatermarkStore } from '../../src/store.js';
import { type NatsServer, startNatsServer, startTcpProxy, type TcpProxy } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { eventually, openOn, uniqueBucket } from '../support/backends.js';
import { timed } from '../support/outcomes.js';

const { newest, oldest } = natsServers();

interface Write {
    readonly name: string;
    /** What is there before. */
    readonly before: readonly string[];
    readonly run: (service: WatermarkService) => Promise<unknown>;
    /** What the call gives when the write got `revision`. */
    readonly given: (revision: number) => unknown;
    readonly stored: string | null;
}

const writes: readonly Write[] = [
    { name: 'set', before: [], run: service => service.set('k', 'v2'), given: () => undefined, stored: 'v2' },
    { name: 'set over', before: ['v1'], run: service => service.set('k', 'v2'), given: () => undefined, stored: 'v2' },
    { name: 'delete', before: ['v1'], run: service => service.delete('k'), given: () => undefined, stored: null },
    {
        name: 'create',
        before: [],
        run: service => service.create('k', 'v2'),
        given: revision => revision,
        stored: 'v2'
    },
    {
        name: 'compareAndSet',
        before: ['v1'],
        run: service => service.compareAndSet('k', 1, 'v2'),
        given: revision => revision,
        stored: 'v2'
    },
    {
        name: 'advance',
        before: ['v1'],
        run: service => service.advance('k', 'v2'),
        given: revision => ({ advanced: true, revision }),
        stored: 'v2'
    }
];

/** A store behind a proxy of its own, in a bucket of its own. */
interface Opened {
    readonly bucket: string;
    readonly proxy: TcpProxy;
    readonly store: WatermarkStore;
}

describe.each([newest, oldest])('a lost acknowledgement ($version)', ({ path }) => {
    let server: NatsServer;
    let administrator: Administrator;
    let opened: Opened[];

    beforeAll(async () => {
        server = await startNatsServer({ binary: path });
        administrator = await Administrator.connect([server.url]);
    });
    beforeEach(() => {
        opened = [];
    });
    afterEach(async () => {
        await Promise.all(opened.map(({ store }) => store.close()));
        await Promise.all(opened.map(({ proxy }) => proxy.stop()));
    });
    afterAll(async () => {
        await administrator.nc.close();
        await server.stop();
    });

    async function open(options: Partial<NatsKvConfig> = {}): Promise<Opened> {
        const bucket = uniqueBucket();
        // The store goes through the proxy, and the administrator doesn't.
        const proxy = await startTcpProxy({ target: server });
        const store = await openOn({ urls: [proxy.url], replicas: 1 }, { bucket, ...options });
        opened.push({ bucket, proxy, store });
        return { bucket, proxy, store };
    }

    /** Each kind of write, with its acknowledgement lost after it was stored, and what becomes of it. */
    async function loseAcknowledgements(
        options: Partial<NatsKvConfig>,
        meanwhile: (buckets: readonly string[]) => Promise<unknown>
    ) {
        const begun = await Promise.all(
            writes.map(async write => {
                const { bucket, proxy, store } = await open(options);
                for (const version of write.before) {
                    await store.watermarks.set('k', version);
                }
                const revision = write.before.length + 1;
                // Acknowledgements are on their way long enough to be caught there.
                proxy.delay(300);
                const outcome = timed(write.run(store.watermarks));
                await administrator.lastRevision(bucket, revision);
                proxy.dropAnswers();
                return { ...write, bucket, revision, outcome, store };
            })
        );
        await meanwhile(begun.map(({ bucket }) => bucket));
        opened.forEach(({ proxy }) => proxy.heal());
        return Promise.all(
            begun.map(async ({ outcome, ...write }) => ({
                ...write,
                outcome: await outcome,
                current: (await write.store.watermarks.get('k'))?.version ?? null,
                applied: await administrator.lastRevision(write.bucket)
            }))
        );
    }

    async function restart() {
        await server.kill();
        await server.restart();
    }
    const writeNewer = (buckets: readonly string[]) =>
        Promise.all(buckets.map(bucket => administrator.put(bucket, 'k', 'newer')));

    test.each([
        { when: 'the server remembers', meanwhile: async () => {} },
        { when: 'the server has restarted', meanwhile: restart }
    ])('of a write is applied once, and reported as success ($when)', async ({ meanwhile }) => {
        for (const write of await loseAcknowledgements({}, meanwhile)) {
            const { name, revision, outcome, current, applied } = write;
            expect(outcome, name).toMatchObject({ code: undefined, value: write.given(revision) });
            expect({ current, applied }, name).toEqual({ current: write.stored, applied: revision });
        }
    });

    test.each([
        { when: 'the server remembers', meanwhile: writeNewer },
        {
            when: 'the server has restarted',
            meanwhile: async (buckets: readonly string[]) => {
                await writeNewer(buckets);
                await restart();
            }
        }
    ])(
        'a write never goes over a newer one of somebody else: its outcome is unknown ($when)',
        async ({ meanwhile }) => {
            for (const { name, revision, outcome, current, applied } of await loseAcknowledgements({}, meanwhile)) {
                expect(outcome.code, name).toBe(WatermarkErrorCode.OUTCOME_UNKNOWN);
                expect({ current, applied }, name).toEqual({ current: 'newer', applied: revision + 1 });
            }
        }
    );

    test('a write is found below a newer one of somebody else in a bucket with history', async () => {
        const lost = await loseAcknowledgements({ history: 8 }, async buckets => {
            await writeNewer(buckets);
            await restart();
        });
        for (const { name, given, revision, outcome, current, applied } of lost) {
            expect(outcome, name).toMatchObject({ code: undefined, value: given(revision) });
            expect({ current, applied }, name).toEqual({ current: 'newer', applied: revision + 1 });
        }
    });

    test('a write over another one is found there however much was written to other keys meanwhile', async () => {
        const lost = await loseAcknowledgements({ history: 8 }, buckets =>
            Promise.all(
                buckets.map(async bucket => {
                    const others = Array.from({ length: 100 }, (_, index) => `other.${index}`);
                    await Promise.all(others.map(key => administrator.put(bucket, key, 'v1')));
                    await administrator.put(bucket, 'k', 'newer');
                })
            )
        );
        const over = lost.filter(({ before }) => before.length > 0);
        expect(over).toHaveLength(4);
        for (const { name, given, revision, outcome, current } of over) {
            expect(outcome, name).toMatchObject({ code: undefined, value: given(revision) });
            expect(current, name).toBe('newer');
        }
    });

    describe('of a write that never arrived, while somebody else wrote', () => {
        async function loseWrite({ store, bucket, proxy }: Opened, run: Write['run']) {
            proxy.blackhole();
            const outcome = timed(run(store.watermarks));
            await administrator.put(bucket, 'k', 'v5');
            proxy.heal();
            return outcome;
        }

        test.each(['set', 'delete'] as const)('%s is applied once', async method => {
            const one = await open();
            expect(await loseWrite(one, service => service[method]('k', 'v2'))).toMatchObject({ code: undefined });
            expect((await one.store.watermarks.get('k'))?.version).toBe(method === 'set' ? 'v2' : undefined);
            expect(await administrator.lastRevision(one.bucket)).toBe(2);
        });

        test('create is refused', async () => {
            const one = await open();
            const { error } = await loseWrite(one, service => service.create('k', 'v2'));
            expect(error).toMatchObject({ code: WatermarkErrorCode.REVISION_CONFLICT, actualRevision: 1 });
            expect(await administrator.lastRevision(one.bucket)).toBe(1);
        });

        test.each([
            { version: 'v2', result: { advanced: false, current: { version: 'v5' } } },
            { version: 'v7', result: { advanced: true, revision: 3 } }
        ])('advance to $version looks again', async ({ version, result }) => {
            const one = await open();
            await one.store.watermarks.set('k', 'v1');
            let looked = false;
            const compare = (a: string, b: string) => {
                if (!looked) {
                    looked = true;
                    one.proxy.blackhole();
                }
                return a < b ? -1 : 1;
            };
            const outcome = timed(one.store.watermarks.advance('k', version, undefined, { compare }));
            await eventually('the first look', () => looked);
            await administrator.put(one.bucket, 'k', 'v5');
            one.proxy.heal();
            expect(await outcome).toMatchObject({ code: undefined, value: result });
        });
    });
});
