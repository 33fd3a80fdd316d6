import { expect, test } from 'vitest';

import { openMemoryStore } from '../../src/memory.js';

import { recordLog } from '../../../../test/support/expectations.js';
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

test('acknowledgements of anything are logged once in a while, not each', async () => {
    const logger = recordLog();
    await using store = openMemoryStore({ logger });
    for (let sent = 0; sent < 1_000; sent += 1) {
        await store.resumeTokens.acknowledge('s', `no watermark ${sent}`);
    }
    expect(logger.warnings).toHaveLength(1);
});

test('any watermark', async () => {
    await using store = open();
    await holdsForWatermarks(store, 'call');
});

test('any resume token', async () => {
    await using store = open();
    await holdsForTokens(store, 'call');
});
