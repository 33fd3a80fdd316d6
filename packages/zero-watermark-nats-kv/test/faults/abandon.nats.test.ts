import { setTimeout as wait } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { bucketOfShard } from '../../src/shard-name.js';
import { WatermarkErrorCode } from '../../src/store.js';
import { startNatsServer, startTcpProxy } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { openOn, uniqueBucket } from '../support/backends.js';
import { timed } from '../support/outcomes.js';

/** How long a request is on its way, and its answer: time to stop the server between two of them. */
const LATENCY_MS = 100;

test('an abandon that is on its way when its time is up is in doubt', async () => {
    await using server = await startNatsServer({ binary: natsServers().newest.path });
    await using proxy = await startTcpProxy({ target: { port: server.port } });
    await using administrator = await Administrator.connect([server.url]);
    const bucket = uniqueBucket();
    await using store = await openOn({ urls: [proxy.url], replicas: 1 }, { bucket, timeoutMs: 4_000 });
    const { resumeTokens } = store;
    const watermark = await resumeTokens.getOrCreateWatermark('s', 'a');

    const fence = administrator.nc.subscribe(`$KV.${bucketOfShard(bucket, 's')}.marker.fence`, { max: 1 });
    await administrator.nc.flush();
    proxy.delay(LATENCY_MS, 0);
    const abandoning = timed(resumeTokens.abandon('s'));
    for await (const _ of fence) {
        // It is stored and acknowledged by now, and what follows it has not been sent yet.
        await wait(LATENCY_MS / 2);
        server.pause();
    }
    const { code } = await abandoning;
    server.resume();
    proxy.heal();
    await expect.poll(() => resumeTokens.head('s'), { timeout: 10_000 }).toBeNull();
    expect(code).toBe(WatermarkErrorCode.OUTCOME_UNKNOWN);
    expect(await resumeTokens.resume('s', watermark)).toMatchObject({ kind: 'reset-required', reason: 'pruned' });
});
