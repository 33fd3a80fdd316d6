import type { WatermarkStore } from '@cbnsndwch/zero-contracts';
import { test } from 'vitest';

import type { Cost } from './fuzz.js';
import { holdsForCalls, holdsForIterations, holdsForTokens, holdsForWatermarks } from './hostile-store.js';

/** The tests of a store against hostile calls. `open` gives an empty one each time. */
export function describeHostileCalls(open: () => Promise<WatermarkStore> | WatermarkStore, cost: Cost): void {
    test.each(['watermarks', 'resumeTokens'] as const)('any call of %s', async service => {
        await using store = await open();
        await holdsForCalls(store, service, cost);
    });

    test('any options of an iteration', async () => {
        await using store = await open();
        await store.watermarks.set('a', '1');
        await store.resumeTokens.getOrCreateWatermark('s', '1');
        await holdsForIterations(store, cost);
    });

    test('any watermark', async () => {
        await using store = await open();
        await holdsForWatermarks(store, cost);
    });

    test('any resume token', async () => {
        await using store = await open();
        await holdsForTokens(store, cost);
    });
}
