import { expect, test } from 'vitest';

import { paced } from './pace.js';

async function arrivalsOf(times: readonly number[], durationMs: number): Promise<[number, number][]> {
    const began = performance.now();
    const arrivals: [number, number][] = [];
    for await (const time of paced(times, time => time, durationMs, new AbortController().signal)) {
        arrivals.push([time, performance.now() - began]);
    }
    return arrivals;
}

test('items come in order, none before its share of the time', async () => {
    const arrivals = await arrivalsOf([1_000, 1_500, 3_000], 200);
    expect(arrivals.map(([time]) => time)).toEqual([1_000, 1_500, 3_000]);
    for (const [time, after] of arrivals) {
        expect(after).toBeGreaterThanOrEqual(((time - 1_000) / 2_000) * 200 - 5);
    }
});

test('one that happened alone, or nothing, takes no time', async () => {
    expect(await arrivalsOf([5], 60_000)).toHaveLength(1);
    expect(await arrivalsOf([], 60_000)).toEqual([]);
});

test('ends when the signal aborts', async () => {
    const abort = new AbortController();
    const items = paced([0, 1], time => time, 60_000, abort.signal);
    await items.next();
    const next = items.next();
    abort.abort(new Error('enough'));
    await expect(next).rejects.toMatchObject({ name: 'AbortError' });
});
