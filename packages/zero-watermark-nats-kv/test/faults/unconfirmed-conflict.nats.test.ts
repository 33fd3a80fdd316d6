import { describe, expect, test } from 'vitest';

import { WatermarkErrorCode } from '../../src/store.js';
import { startNatsCluster } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { openOn, rejectionOf, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();

// A leader of 2.10 looks at the condition when a majority has the write, so it says nothing meanwhile.
describe.each([
    { ...newest, withoutMajority: WatermarkErrorCode.UNAVAILABLE },
    { ...oldest, withoutMajority: WatermarkErrorCode.OUTCOME_UNKNOWN }
])('three nodes ($version)', ({ path, withoutMajority }) => {
    test('a leader that no majority answers is not believed that the key is not at the revision', async () => {
        await using cluster = await startNatsCluster(3, { binary: path });
        const administrator = await Administrator.connect(cluster.urls);
        const bucket = uniqueBucket();
        await administrator.createUnlimitedBucket(bucket, 3);
        const leader = await administrator.leaderOf(bucket, cluster);
        await administrator.nc.close();
        await using store = await openOn({ urls: [leader.url], replicas: 3 }, { bucket, timeoutMs: 3_000 });
        const first = await store.watermarks.create('users', 'v1');
        const others = cluster.nodes.filter(node => node !== leader);

        others.forEach(node => node.pause());
        const alone = await rejectionOf(store.watermarks.compareAndSet('users', first + 1_000, 'v2'));
        others.forEach(node => node.resume());
        await cluster.waitUntilReady();
        const answered = await rejectionOf(store.watermarks.compareAndSet('users', first + 1_000, 'v2'));

        expect(alone).toMatchObject({ code: withoutMajority });
        expect(answered).toMatchObject({ code: WatermarkErrorCode.REVISION_CONFLICT, actualRevision: first });
    });
});

test('a write that another one was refused for, and that came to nothing, is no conflict (2.12+)', async () => {
    await using cluster = await startNatsCluster(3, { binary: newest.path });
    const administrator = await Administrator.connect(cluster.urls);
    const bucket = uniqueBucket();
    await administrator.createUnlimitedBucket(bucket, 3);
    const leader = await administrator.leaderOf(bucket, cluster);
    await administrator.nc.close();
    const backend = { urls: cluster.urls, replicas: 3 };
    await using hasty = await openOn(backend, { bucket, timeoutMs: 1_500 });
    await using patient = await openOn(backend, { bucket, timeoutMs: 40_000 });
    const first = await patient.watermarks.create('users', 'v1');
    const others = cluster.nodes.filter(node => node !== leader);
    await Promise.all(others.map(node => node.kill('SIGKILL')));
    for (const { watermarks } of [patient, hasty]) {
        const reads = () => watermarks.get('users').then(Boolean, () => false);
        await expect.poll(reads, { timeout: 20_000 }).toBe(true);
    }

    // The leader takes it and waits for the others in vain; meanwhile it refuses the next one because of it.
    const lost = rejectionOf(hasty.watermarks.compareAndSet('users', first, 'lost'));
    await new Promise(resolve => setTimeout(resolve, 300));
    const stored = patient.watermarks.compareAndSet('users', first, 'v2');
    expect(await lost).toMatchObject({ code: WatermarkErrorCode.OUTCOME_UNKNOWN });
    await leader.kill('SIGKILL');
    await Promise.all(others.map(node => node.restart()));

    expect(await stored).toBeGreaterThan(first);
    expect((await patient.watermarks.get('users'))?.version).toBe('v2');
});
