import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openWatermarkStore, type WatermarkStore } from '../../src/store.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { eventually } from '../support/backends.js';

const { newest, oldest } = natsServers();
const BUCKET = 'zero-watermarks';
const TENANTS = ['east', 'west'] as const;
type Tenant = (typeof TENANTS)[number];

/** Two accounts that share nothing, on one server. */
const config = `accounts {
    ${TENANTS.map(name => `${name}: { jetstream: enabled, users: [{ user: ${name}, password: a-password }] }`).join(', ')}
}`;

async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
    const all: string[] = [];
    for await (const line of lines) {
        all.push(line);
    }
    return all;
}

describe.each([newest, oldest])('two tenants with the same bucket on nats-server $version', ({ path: binary }) => {
    let server: NatsServer;
    let stores: Record<Tenant, WatermarkStore>;
    const optionsOf = (user: Tenant) => ({ servers: [server.url], bucket: BUCKET, user, pass: 'a-password' });
    beforeAll(async () => {
        server = await startNatsServer({ binary, config });
        const [east, west] = await Promise.all(TENANTS.map(name => openWatermarkStore(optionsOf(name))));
        if (east === undefined || west === undefined) {
            throw new Error('There are two tenants.');
        }
        stores = { east, west };
    });
    afterAll(async () => {
        await Promise.all(TENANTS.map(name => stores[name].close()));
        await server.stop();
    });

    describe.each([
        ['east', 'west'],
        ['west', 'east']
    ] as const)('%s, beside %s', (mine, theirs) => {
        /** What both have under the same name, and what is one's alone. */
        const both = `shared-by-${mine}`;
        const [own, other] = [`only-${mine}`, `only-${theirs}`];
        const shard = `orders-${mine}`;

        test('watermarks: reads, listings, watches and conditions know nothing of each other', async () => {
            const [my, their] = [stores[mine].watermarks, stores[theirs].watermarks];
            const seen: string[] = [];
            const stop = await my.watch(both, ({ version }) => seen.push(version));
            const ending = new AbortController();
            const events = (async () => {
                const keys: string[] = [];
                for await (const event of my.watchAll({ includeCurrent: true, signal: ending.signal })) {
                    if (event.type === 'set') {
                        keys.push(event.watermark.key);
                    }
                }
                return keys;
            })();

            await their.set(both, 'theirs');
            await their.set(other, 'theirs');
            expect(await my.get(both)).toBeNull();
            expect(await my.get(other)).toBeNull();
            expect(await my.history(both)).toEqual([]);
            // The key is free on this side, whatever the other has.
            await my.create(both, 'mine');
            await my.set(own, 'mine');
            expect((await their.get(both))?.version).toBe('theirs');
            expect(await their.get(own)).toBeNull();
            expect([...(await my.getAll()).keys()]).toEqual(expect.arrayContaining([both, own]));
            expect([...(await my.getAll()).keys()]).not.toContain(other);
            expect([...(await my.getMany([both, other, own])).values()].map(({ version }) => version)).toEqual([
                'mine',
                'mine'
            ]);

            await my.set(both, 'last');
            await eventually('the watch sees its own account', () => seen.includes('last'));
            expect(seen).not.toContain('theirs');
            stop();
            ending.abort();
            expect(await events).not.toContain(other);
        });

        test('resume tokens: the same token has a watermark on each side, and no side knows the other one', async () => {
            const [my, their] = [stores[mine].resumeTokens, stores[theirs].resumeTokens];
            await their.getOrCreateWatermark(shard, `of-${theirs}-alone`);
            const theirWatermark = await their.getOrCreateWatermark(shard, 'position-1');
            expect(await my.head(shard)).toBeNull();
            const myWatermark = await my.getOrCreateWatermark(shard, 'position-1');
            expect(myWatermark).not.toBe(theirWatermark);
            expect(await my.getResumeToken(shard, theirWatermark)).toBeUndefined();
            expect(await my.resume(shard, theirWatermark)).toMatchObject({ kind: 'reset-required' });
            expect(await their.resume(shard, theirWatermark)).toEqual({ kind: 'resume', resumeToken: 'position-1' });

            const shardOfTheirs = `alone-${theirs}`;
            await their.provision([shardOfTheirs]);
            await their.getOrCreateWatermark(shardOfTheirs, `of-${theirs}-alone`);
            const exported = (await linesOf(my.exportWatermarks())).join('');
            expect(exported).toContain(shard);
            expect(exported).not.toContain(shardOfTheirs);
            expect(exported).not.toContain(`of-${theirs}-alone`);
        });

        test('JetStream lists the streams of one account only', async () => {
            const connection = await connect({ servers: server.url, user: mine, pass: 'a-password' });
            const manager = await jetstreamManager(connection);
            const names: string[] = [];
            for await (const name of manager.streams.names()) {
                names.push(name);
            }
            expect(names).toContain(`KV_${BUCKET}`);
            expect(names).not.toContain(`KV_${BUCKET}-tokens-alone-${theirs}`);
            // Not even the whole subject space tells anything of the other side.
            const heard: string[] = [];
            connection.subscribe('>', { callback: (_, { subject }) => void heard.push(subject) });
            await connection.flush();
            await stores[theirs].watermarks.set('whispered', 'v1');
            await stores[mine].watermarks.set('spoken', 'v1');
            await eventually('what happens on this side', () => heard.includes(`$KV.${BUCKET}.spoken`));
            expect(heard).not.toContain(`$KV.${BUCKET}.whispered`);
            await connection.close();
        });
    });

    test('clear() of one side removes nothing of the other', async () => {
        const { east, west } = stores;
        const before = await west.watermarks.getAll();
        const head = await west.resumeTokens.head('orders-west');
        expect(before.size).toBeGreaterThan(0);
        expect(head).not.toBeNull();
        await east.watermarks.clear();
        await east.resumeTokens.clear();
        expect(await west.watermarks.getAll()).toEqual(before);
        expect(await west.resumeTokens.head('orders-west')).toEqual(head);
        expect(await east.watermarks.getAll()).toEqual(new Map());
    });

    test('an export carries over what it names, and an import stays on its side', async () => {
        const { east, west } = stores;
        await west.resumeTokens.getOrCreateWatermarks('moved', ['position-1', 'position-2']);
        await west.resumeTokens.getOrCreateWatermark('kept', 'position-of-kept');
        const lines = await linesOf(west.resumeTokens.exportWatermarks({ shardIds: ['moved'] }));
        expect(lines.join('')).not.toContain('kept');
        await east.resumeTokens.importWatermarks(lines);
        expect(await east.resumeTokens.head('moved')).toEqual(await west.resumeTokens.head('moved'));
        expect(await east.resumeTokens.head('kept')).toBeNull();

        const watermarks = await linesOf(west.watermarks.exportWatermarks());
        await west.watermarks.set('afterwards', 'v1');
        await east.watermarks.importWatermarks(watermarks);
        expect([...(await east.watermarks.getAll()).keys()]).not.toContain('afterwards');
        await east.watermarks.set('after-the-import', 'v1');
        expect(await west.watermarks.get('after-the-import')).toBeNull();
    });
});
