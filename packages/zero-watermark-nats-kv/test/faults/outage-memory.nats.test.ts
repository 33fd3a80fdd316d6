import { queryObjects } from 'node:v8';

import { expect, test } from 'vitest';

import { type WatermarkStore, WatermarkErrorCode } from '../../src/store.js';
import { startNatsServer, startTcpProxy } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { openOn } from '../support/backends.js';
import { timed } from '../support/outcomes.js';

const { newest } = natsServers();
const { UNAVAILABLE, OUTCOME_UNKNOWN } = WatermarkErrorCode;

const ROUNDS = 5;
const CALLS_A_ROUND = 200;

/** Fails calls of each kind, all of which wait for the servers until their time is over. */
async function failCalls({ watermarks, resumeTokens }: WatermarkStore): Promise<void> {
    const calls = Array.from({ length: CALLS_A_ROUND / 5 }, (_, index) => [
        watermarks.get(`k${index}`),
        watermarks.set(`k${index}`, 'v1'),
        watermarks.advance(`k${index}`, 'v1'),
        watermarks.watch(`k${index}`, () => {}),
        resumeTokens.getOrCreateWatermark('s', `token ${index}`)
    ]);
    for (const { code } of await Promise.all(calls.flat().map(call => timed<unknown>(call)))) {
        expect([UNAVAILABLE, OUTCOME_UNKNOWN]).toContain(code);
    }
}

/** Promises that are reachable: what waits for one that is not settled keeps its own. */
function promises(): number {
    return queryObjects(Promise, { format: 'count' });
}

test('nothing is kept of calls that failed while the connection is lost', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using proxy = await startTcpProxy({ target: server });
    await using store = await openOn({ urls: [proxy.url], replicas: 1 }, { timeoutMs: 200 });
    await store.resumeTokens.getOrCreateWatermark('s', 'first');
    proxy.cut();
    await failCalls(store);
    const before = promises();
    for (let round = 0; round < ROUNDS; round += 1) {
        await failCalls(store);
    }
    expect(promises() - before).toBeLessThan(CALLS_A_ROUND / 2);
    proxy.heal();
});
