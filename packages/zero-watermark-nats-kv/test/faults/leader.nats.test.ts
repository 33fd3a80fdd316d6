import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { WatermarkStore } from '../../src/store.js';
import { type NatsCluster, startNatsCluster } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { openOn, recordLog, uniqueBucket } from '../support/backends.js';
import { MARGIN_MS } from '../support/outcomes.js';
import { restartInTurn } from '../support/rolling-restart.js';
import { findBrokenPromises, Workload } from '../support/workload.js';

const { newest, oldest } = natsServers();
/** Twice the default, which is enough for elections where nothing else keeps the machine busy. */
const TIMEOUT_MS = 30_000;

describe.each([newest, oldest])('three nodes ($version) under load: slow calls, nothing lost or twice', ({ path }) => {
    let cluster: NatsCluster;
    let administrator: Administrator;
    let bucket: string;
    let instances: WatermarkStore[];
    let workload: Workload;

    beforeAll(async () => {
        cluster = await startNatsCluster(3, { binary: path });
        administrator = await Administrator.connect(cluster.urls);
    });
    afterAll(async () => {
        await administrator.nc.close();
        await cluster.stop();
    });

    beforeEach(async () => {
        bucket = uniqueBucket();
        await administrator.createUnlimitedBucket(bucket, 3);
        const open = () =>
            openOn({ urls: cluster.urls, replicas: 3 }, { bucket, logger: recordLog(), timeoutMs: TIMEOUT_MS });
        const [first, second] = await Promise.all([open(), open()]);
        instances = [first, second];
        workload = new Workload(first.watermarks, second.watermarks);
        await workload.goesOn();
    });
    afterEach(async () => {
        await workload.stop();
        await Promise.all(instances.map(instance => instance.close()));
        await cluster.waitUntilReady();
    });

    async function expectPromisesKept(): Promise<void> {
        await workload.goesOn();
        await workload.stop();
        expect(workload.failures).toEqual([]);
        expect(workload.slowest.tookMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
        expect(findBrokenPromises(await administrator.messagesOf(bucket), workload)).toEqual([]);
    }

    test('kill -9 of the leader', async () => {
        const leader = await administrator.leaderOf(bucket, cluster);
        await leader.kill();
        await workload.goesOn();
        await leader.restart();
        await expectPromisesKept();
    });

    test('another leader takes over, again and again', async () => {
        for (let round = 0; round < 3; round += 1) {
            await administrator.stepDown(bucket);
            await workload.goesOn();
        }
        await expectPromisesKept();
    });

    test('the leader stands still, and goes on later as if it were still leader', async () => {
        const leader = await administrator.leaderOf(bucket, cluster);
        leader.pause();
        await workload.goesOn();
        leader.resume();
        await expectPromisesKept();
    });

    test('rolling restart', async () => {
        await restartInTurn(cluster);
        await expectPromisesKept();
    });
});
