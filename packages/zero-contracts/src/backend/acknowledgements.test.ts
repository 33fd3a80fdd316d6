import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Acknowledgements } from './acknowledgements.js';

/** Where each watermark is: the tenth is `0a`, as LexiVersions go. */
const sequenceOf = async (watermark: string) => Number.parseInt(watermark.slice(1), 36);

let removed: { below: number; at: number }[];
let removalMs: number;
let acknowledgements: Acknowledgements;

beforeEach(() => {
    vi.useFakeTimers();
    removed = [];
    removalMs = 0;
    const began = performance.now();
    acknowledgements = new Acknowledgements({
        shard: 'Shard "s"',
        logger: { warn: message => expect.unreachable(message), error: message => expect.unreachable(message) },
        retainTokens: 0,
        retainMs: 0,
        sequenceOf,
        removeBelow: async below => {
            removed.push({ below, at: performance.now() - began });
            await new Promise(resolve => setTimeout(resolve, removalMs));
        }
    });
});
afterEach(() => void vi.useRealTimers());

/** Acknowledges one after another, a tenth of a second apart. */
async function acknowledge(...watermarks: readonly string[]): Promise<void> {
    for (const watermark of watermarks) {
        acknowledgements.note(watermark);
        await vi.advanceTimersByTimeAsync(100);
    }
}

test('the first is acted on at once, and those of the next two seconds together', async () => {
    await acknowledge('01', '02', '03', '04');
    expect(removed).toEqual([{ below: 1, at: 0 }]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(removed).toEqual([
        { below: 1, at: 0 },
        { below: 4, at: 2_000 }
    ]);
});

test('after a removal that took long, the next one waits twenty times as long', async () => {
    removalMs = 1_000;
    await acknowledge('01', '02', '03');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(removed).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(removed.at(-1)).toEqual({ below: 3, at: 21_000 });
});

test('but not longer than five minutes', async () => {
    removalMs = 60_000;
    await acknowledge('01', '02');
    await vi.advanceTimersByTimeAsync(360_000);
    expect(removed.map(({ below }) => below)).toEqual([1, 2]);
});

test('one that comes after a rest is acted on at once', async () => {
    await acknowledge('01');
    await vi.advanceTimersByTimeAsync(10_000);
    await acknowledge('02');
    expect(removed.at(-1)).toEqual({ below: 2, at: 10_100 });
});

test('nothing is removed once it was stopped, also during a removal', async () => {
    removalMs = 1_000;
    await acknowledge('01', '02');
    acknowledgements.stop();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(removed).toHaveLength(1);
});
