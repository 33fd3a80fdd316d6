import 'reflect-metadata';

import { once } from 'node:events';

import type { ResumePoint, ResumeTokenService } from '@cbnsndwch/zero-contracts';
import { MemoryData, openMemoryStore } from '@cbnsndwch/zero-contracts/memory';
import { Signal } from '@cbnsndwch/zero-stage';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { ChangeSourceServer } from '../src/change-source.server.js';
import { type Snapshot, UpstreamSource, type UpstreamTransaction } from '../src/index.js';
import { SharedSecret } from '../src/protocol/secret.js';
import { parseSchema } from '../src/schema/parse-schema.js';
import { FakeZeroCache } from './support/fake-zero-cache.js';

const SHARD = 'zero_0';
const schema = parseSchema({ tables: { item: { primaryKey: ['id'], columns: { id: 'string' } } } });

/** Gives a change at each of its positions, to every reader the same. */
class ListedSource extends UpstreamSource {
    readonly happened = new Signal();
    positions: readonly string[];
    /** Readers that have got all of them, and those of them that are gone. */
    readers = { done: 0, gone: 0 };

    constructor(positions: readonly string[]) {
        super();
        this.positions = positions;
    }

    override snapshot(): Promise<Snapshot> {
        return Promise.resolve({ position: 'p0', changes: (async function* () {})() });
    }

    override async *changesAfter(after: string, signal: AbortSignal): AsyncGenerator<UpstreamTransaction> {
        for (const position of this.positions.slice(this.positions.indexOf(after) + 1)) {
            yield { position, changes: [{ kind: 'put', table: 'item', row: { id: position } }] };
        }
        this.readers.done += 1;
        this.happened.give();
        if (!signal.aborted) {
            await once(signal, 'abort');
        }
        this.readers.gone += 1;
        this.happened.give();
    }
}

/** The store as it is for an instance for which writes of several tokens stall. */
class StalledStore {
    readonly #happened = new Signal();
    #stalled = 0;
    #finished = 0;
    #isOpen = false;
    readonly resumeTokens: ResumeTokenService;

    constructor(resumeTokens: ResumeTokenService) {
        const getOrCreateWatermarks: ResumeTokenService['getOrCreateWatermarks'] = async (shardId, tokens) => {
            if (tokens.length > 1) {
                this.#stalled += 1;
                this.#happened.give();
                await this.#happened.until('the store goes on', () => this.#isOpen, 20_000);
            }
            try {
                return await resumeTokens.getOrCreateWatermarks(shardId, tokens);
            } finally {
                this.#finished += tokens.length > 1 ? 1 : 0;
                this.#happened.give();
            }
        };
        this.resumeTokens = new Proxy(resumeTokens, {
            get(target, name) {
                const value: unknown = Reflect.get(target, name);
                const own = typeof value === 'function' ? (value.bind(target) as unknown) : value;
                return name === 'getOrCreateWatermarks' ? getOrCreateWatermarks : own;
            }
        });
    }

    stalls(): Promise<void> {
        return this.#happened.until('a write that stalls', () => this.#stalled > 0, 20_000);
    }

    async goOn(): Promise<void> {
        this.#isOpen = true;
        this.#happened.give();
        await this.#happened.until('the write', () => this.#finished > 0, 20_000);
    }
}

let data: MemoryData;
let resumeTokens: ResumeTokenService;
const servers: ChangeSourceServer[] = [];
const zeroCaches: FakeZeroCache[] = [];

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['log', 'warn', 'error', 'fatal']));
beforeEach(() => {
    data = new MemoryData();
    ({ resumeTokens } = openMemoryStore({ data }));
});
afterEach(async () => {
    zeroCaches.splice(0).forEach(zeroCache => zeroCache.close());
    await Promise.all(servers.splice(0).map(server => server.beforeApplicationShutdown()));
});

/** An instance with a view of its own of the upstream and of the store; its URL. */
async function start(source: UpstreamSource, tokens = openMemoryStore({ data }).resumeTokens): Promise<string> {
    const server = new ChangeSourceServer({ schema, port: 0 }, source, tokens, new SharedSecret(undefined));
    servers.push(server);
    await server.onApplicationBootstrap();
    return server.url;
}

function goOn(url: string, after: string, acknowledges = true): FakeZeroCache {
    const zeroCache = FakeZeroCache.after(url, after, { acknowledges });
    zeroCaches.push(zeroCache);
    return zeroCache;
}

async function kindAt(watermark: string): Promise<ResumePoint['kind']> {
    return (await resumeTokens.resume(SHARD, watermark)).kind;
}

/**
 * One instance reads p5 and p6, and its write of their tokens stalls. zero-cache goes on at another one, which sees p6
 * alone, because p5 has been written again since. Then the write lands, and p5 gets a watermark above that of p6.
 */
async function takeOver(leave: (zeroCache: FakeZeroCache, source: ListedSource) => Promise<void>) {
    const source = new ListedSource(['p1', 'p5', 'p6']);
    const stalled = new StalledStore(openMemoryStore({ data }).resumeTokens);
    const url = await start(source, stalled.resumeTokens);
    const { last } = await FakeZeroCache.initialSync(url);
    const first = goOn(url, last, false);
    await first.changes(1);
    await source.happened.until('all was read', () => source.readers.done === 1, 20_000);
    first.acknowledge(first.last);
    await stalled.stalls();
    await leave(first, source);
    source.positions = ['p1', 'p6'];
    const second = goOn(await start(source), first.last);
    await second.changes(1);
    await stalled.goOn();
    return { first, second, url };
}

test('a connection that is gone empties no shard: another one may be served well', async () => {
    const { second } = await takeOver(async (zeroCache, source) => {
        zeroCache.close();
        await source.happened.until('it is noticed', () => source.readers.gone === 1, 20_000);
    });
    // What it does next it does before a connection can be answered.
    await FakeZeroCache.initialSync(await start(new ListedSource([])), { shardNum: '1' });
    expect(await kindAt(second.last)).toBe('resume');
    expect(second.resets).toEqual([]);
});

test('a connection whose end nobody has noticed is closed, and empties no shard either', async () => {
    const { first, second, url } = await takeOver(async () => {});
    await first.until('its end', () => first.isClosed || first.resets.length > 0);
    expect(first.resets).toEqual([]);
    expect(await kindAt(second.last)).toBe('resume');
    // Nor when zero-cache comes back, and the same instance serves it well.
    const third = goOn(url, first.last);
    await third.changes(1);
    expect(third.last).toBe(second.last);
});

test('an order that is wrong for good ends a connection, and the next one that meets it empties the shard', async () => {
    const source = new ListedSource(['p1', 'p6']);
    const url = await start(source);
    const { last } = await FakeZeroCache.initialSync(url);
    const good = goOn(url, last);
    await good.changes(2);
    good.close();
    source.positions = ['p1', 'p5', 'p6'];
    const resets: string[] = [];
    let after = last;
    let ends = 0;
    // It goes on as far as it can, and meets it again there.
    for (; resets.length === 0 && ends < 5; ends += 1) {
        const zeroCache = goOn(url, after);
        await zeroCache.until('its end', () => zeroCache.isClosed || zeroCache.resets.length > 0);
        resets.push(...zeroCache.resets);
        after = zeroCache.last === '' ? after : zeroCache.last;
    }
    expect(ends).toBeGreaterThan(1);
    expect(resets).toEqual([expect.stringContaining('is to follow')]);
    expect(await kindAt(after)).toBe('reset-required');
});
