import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { WatermarkChange } from '../../src/store.js';
import { type NatsCluster, startNatsCluster } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { eventually, openOn, recordLog, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();

describe.each([newest, oldest])('a view of three nodes ($version)', ({ path }) => {
    let cluster: NatsCluster;
    let administrator: Administrator;
    let bucket: string;

    beforeAll(async () => {
        cluster = await startNatsCluster(3, { binary: path });
        administrator = await Administrator.connect(cluster.urls);
    });
    afterAll(async () => {
        await administrator.nc.close();
        await cluster.stop();
    });
    beforeEach(async () => {
        await cluster.waitUntilReady();
        bucket = uniqueBucket();
        await administrator.createUnlimitedBucket(bucket, 3);
    });

    const open = (urls: readonly string[] = cluster.urls) =>
        openOn({ urls, replicas: 3 }, { bucket, logger: recordLog() });

    test('has own writes at once and never goes back, through a new leader and the death of its consumer’s node', async () => {
        await using store = await open();
        await using other = await open();
        await using view = store.watermarks.view();
        await view.ready;
        const changes: WatermarkChange[] = [];
        view.on('change', change => changes.push(change));
        let writing = true;
        const outdated: string[] = [];
        const mine = (async () => {
            for (let n = 1; writing; n += 1) {
                const key = `mine.${n % 5}`;
                await store.watermarks.set(key, String(n));
                if (Number(view.get(key)?.version ?? 0) < n) {
                    outdated.push(`${key} ${n}`);
                }
            }
        })();
        const others = (async () => {
            for (let n = 1; writing; n += 1) {
                await (n % 5 === 0 ? other.watermarks.delete('other') : other.watermarks.set('other', String(n)));
            }
        })();
        const goesOn = async () => {
            const goal = changes.length + 50;
            await eventually('more changes', () => changes.length > goal && view.status === 'live', 30_000);
        };
        await goesOn();
        await administrator.stepDown(bucket);
        await goesOn();
        const [host] = await administrator.consumerHosts(bucket, cluster);
        await host?.kill();
        await goesOn();
        await host?.restart();
        await goesOn();
        writing = false;
        await Promise.all([mine, others]);
        await other.watermarks.set('end', 'v1');
        await eventually('the end', () => view.get('end') !== null);
        expect(outdated).toEqual([]);
        expect(new Map(view.entries())).toEqual(await other.watermarks.getAll());
        for (const key of new Set(changes.map(change => (change.type === 'set' ? change.watermark.key : change.key)))) {
            const revisions = changes.flatMap(change => {
                const { key: name, revision } = change.type === 'set' ? change.watermark : change;
                return name === key ? [revision] : [];
            });
            expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
        }
    });

    test('says that it is interrupted when the node that feeds it is cut off from the others', async () => {
        const leader = await administrator.leaderOf(bucket, cluster);
        const [node, ...rest] = cluster.nodes.filter(each => each !== leader);
        await using store = await open([node?.url ?? '']);
        await store.watermarks.set('k', 'v1');
        // The servers place a consumer where they like.
        let view = store.watermarks.view();
        await view.ready;
        const isFedByNode = async () => {
            const hosts = await administrator.consumerHosts(bucket, cluster);
            return hosts.length === 1 && hosts[0] === node;
        };
        while (!(await isFedByNode())) {
            await view.close();
            view = store.watermarks.view();
            await view.ready;
        }
        await eventually('a confirmation', () => view.lagMs < 500);
        [leader, ...rest].forEach(each => each.pause());
        try {
            await eventually('the interruption', () => view.status === 'interrupted', 10_000);
            expect(view.lagMs).toBeGreaterThan(1_000);
            expect(view.get('k')?.version).toBe('v1');
        } finally {
            [leader, ...rest].forEach(each => each.resume());
        }
        await eventually('live again', () => view.status === 'live', 30_000);
        await store.watermarks.set('k', 'v2');
        expect(view.get('k')?.version).toBe('v2');
        await view.close();
    });
});
