import { afterAll, beforeAll, test } from 'vitest';

import {
    holdsForCalls,
    holdsForIterations,
    holdsForTokens,
    holdsForWatermarks,
    quietLogger
} from '../../../../test/support/hostile-store.js';
import { type Backend, openOn, singleServers } from '../support/backends.js';

let backend: Backend;

beforeAll(async () => {
    backend = await (singleServers[0]?.start() ?? Promise.reject(new Error('no server')));
});
afterAll(() => backend[Symbol.asyncDispose]());

const open = () => openOn(backend, { logger: quietLogger });

test.each(['watermarks', 'resumeTokens'] as const)('any call of %s', async service => {
    await using store = await open();
    await holdsForCalls(store, service, 'server');
});

test('any options of an iteration', async () => {
    await using store = await open();
    await store.watermarks.set('a', '1');
    await store.resumeTokens.getOrCreateWatermark('s', '1');
    await holdsForIterations(store, 'server');
});

test('any watermark', async () => {
    await using store = await open();
    await holdsForWatermarks(store, 'server');
});

test('any resume token', async () => {
    await using store = await open();
    await holdsForTokens(store, 'server');
});
