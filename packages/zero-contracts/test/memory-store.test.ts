import { expect, test } from 'vitest';

import { InvalidOptionsError, versionFromLexi } from '../src/index.js';
import { MemoryData, openMemoryStore, type MemoryStoreOptions } from '../src/memory.js';

/* What the memory store has beyond the contracts, which the conformance suite tests. */

test('options that are wrong are refused, all of them at once', () => {
    const options = { data: {}, retainTokens: -1, retainMs: 1.5, compareResumeTokens: 'no', logger: {}, more: 1 };
    try {
        openMemoryStore(options as unknown as MemoryStoreOptions);
        expect.unreachable();
    } catch (error) {
        expect(error).toBeInstanceOf(InvalidOptionsError);
        expect((error as InvalidOptionsError).problems).toHaveLength(6);
    }
});

test('timestamps, and where a new shard begins, are those of the clock', async () => {
    let now = 1_700_000_000_000;
    const data = new MemoryData(() => now);
    await using store = openMemoryStore({ data });
    await store.watermarks.set('users', 'v1');
    now += 1_234;
    await store.watermarks.set('orders', 'v1');
    const all = await store.watermarks.getAll();
    expect([...all.values()].map(({ timestamp }) => timestamp)).toEqual([1_700_000_000_000, 1_700_000_001_234]);
    const watermark = await store.resumeTokens.getOrCreateWatermark('s', 'a');
    expect(versionFromLexi(watermark) >> 12n).toBe(1_700_000_001_234_000n);
});

test('what is in the data outlives the store', async () => {
    const data = new MemoryData();
    const first = openMemoryStore({ data });
    const watermark = await first.resumeTokens.getOrCreateWatermark('s', 'a');
    await first.close();
    await using second = openMemoryStore({ data });
    expect(await second.resumeTokens.getResumeToken('s', watermark)).toBe('a');
});

test('stores without data have nothing to do with each other', async () => {
    await using one = openMemoryStore();
    await using two = openMemoryStore();
    await one.watermarks.set('users', 'v1');
    expect(await two.watermarks.getAll()).toEqual(new Map());
});
