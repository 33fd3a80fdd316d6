import { test } from 'vitest';

import { openMemoryStore } from '../../src/memory.js';

import {
    holdsForCalls,
    holdsForIterations,
    holdsForTokens,
    holdsForWatermarks,
    quietLogger
} from '../../../../test/support/hostile-store.js';

const open = () => openMemoryStore({ logger: quietLogger });

test.each(['watermarks', 'resumeTokens'] as const)('any call of %s', async service => {
    await using store = open();
    await holdsForCalls(store, service, 'call');
});

test('any options of an iteration', async () => {
    await using store = open();
    await store.watermarks.set('a', '1');
    await store.resumeTokens.getOrCreateWatermark('s', '1');
    await holdsForIterations(store, 'call');
});

test('any watermark', async () => {
    await using store = open();
    await holdsForWatermarks(store, 'call');
});

test('any resume token', async () => {
    await using store = open();
    await holdsForTokens(store, 'call');
});
