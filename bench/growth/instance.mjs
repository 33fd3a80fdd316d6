// @ts-check
/*
 * One of several instances that work side by side: it opens a store, says that it is ready, and when it is told what to
 * do, does that for a while and tells how much it did.
 */
import { once } from 'node:events';
import process from 'node:process';

import { openWatermarkStore } from '@cbnsndwch/zero-watermark-nats-kv/store';

import { callersOf } from '../shared/rounds.mjs';
import { newTokens } from '../shared/tokens.mjs';
import { newWatermarks } from '../shared/watermarks.mjs';

/** @typedef {{ work: 'set' | 'own-shard' | 'one-shard', windowMs: number }} Order */

const CALLERS = 16;

const [url = '', bucket = '', replicas = '', number = ''] = process.argv.slice(2);
const store = await openWatermarkStore({ servers: [url], bucket, replicas: Number(replicas) });
const { watermarks, resumeTokens } = store;
const own = `shard-${number}`;
await resumeTokens.provision([own, 'shard']);
const nextWatermark = newWatermarks({ keys: 1_000 });
const { next: nextToken } = newTokens(`instance${number}x`);

/** @type {Record<Order['work'], () => Promise<unknown>>} */
const works = {
    set: () => {
        const { key, version, data } = nextWatermark();
        return watermarks.set(`${number}.${key}`, version, data);
    },
    'own-shard': () => resumeTokens.getOrCreateWatermark(own, nextToken()),
    'one-shard': () => resumeTokens.getOrCreateWatermark('shard', nextToken())
};

process.send?.('ready');
for (;;) {
    const [order] = /** @type {[Order | 'end']} */ (await once(process, 'message'));
    if (order === 'end') {
        break;
    }
    process.send?.(await callersOf(CALLERS, works[order.work])(order.windowMs));
}
await store.close();
process.disconnect();
