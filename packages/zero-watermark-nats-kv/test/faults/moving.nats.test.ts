import { describe, expect, test } from 'vitest';

import { versionToLexi } from '../../src/store.js';
import { startNatsCluster, startNatsServer, startTcpProxy } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { openOn, uniqueBucket } from '../support/backends.js';
import { exportOf, linesOf } from '../support/importing.js';

const { newest, oldest } = natsServers();

const exportWith = (count: number) =>
    exportOf(
        Array.from({ length: count }, (_, index) => ({
            shard: 's',
            watermark: versionToLexi(index + 1),
            token: `old-${index + 1}`
        }))
    );

/** The same text in pieces, with something done before each. */
async function* piecesOf(text: string, before: (piece: number) => Promise<void>): AsyncGenerator<string> {
    for (let piece = 0, start = 0; start < text.length; start += 8_192, piece += 1) {
        await before(piece);
        yield text.slice(start, start + 8_192);
    }
}

describe.each([newest, oldest])('imports on nats-server $version', ({ path }) => {
    test('acknowledgements that are lost and connections that break change nothing', async () => {
        await using server = await startNatsServer({ binary: path });
        await using proxy = await startTcpProxy({ target: { port: server.port } });
        const bucket = uniqueBucket();
        await using store = await openOn({ urls: [proxy.url], replicas: 1 }, { bucket });
        const text = await exportWith(6_000);
        // Each time the next block is on its way when it happens.
        const report = await store.resumeTokens.importWatermarks(
            piecesOf(text, async piece => {
                if (piece % 15 === 10) {
                    proxy.dropAnswers();
                    setTimeout(() => proxy.heal(), 300);
                } else if (piece % 15 === 14) {
                    setTimeout(() => proxy.cut(), 5);
                    setTimeout(() => proxy.heal(), 300);
                }
            })
        );
        expect(report.created + report.alreadyThere).toBe(6_000);
        expect((await linesOf(store.resumeTokens.exportWatermarks())).join('')).toBe(text);
        await using administrator = await Administrator.connect([server.url]);
        expect(await administrator.countOf(`${bucket}-tokens-s`)).toBe(6_001);
    });

    test('kill -9 of the leader, and then of all nodes: all of it is there', async () => {
        await using cluster = await startNatsCluster(3, { binary: path });
        await using administrator = await Administrator.connect(cluster.urls);
        const bucket = uniqueBucket();
        await using store = await openOn({ urls: cluster.urls, replicas: 3 }, { bucket, timeoutMs: 40_000 });
        await store.resumeTokens.provision(['s']);
        const text = await exportWith(4_000);
        const killed = { name: '' };
        await store.resumeTokens.importWatermarks(
            piecesOf(text, async piece => {
                if (piece === 12) {
                    const leader = await administrator.leaderOf(`${bucket}-tokens-s`, cluster);
                    killed.name = leader.name;
                    await leader.kill('SIGKILL');
                }
            })
        );
        await cluster.nodes.find(({ name }) => name === killed.name)?.restart();
        await cluster.waitUntilReady();
        expect((await linesOf(store.resumeTokens.exportWatermarks({ shardIds: ['s'] }))).join('')).toBe(text);

        await Promise.all(cluster.nodes.map(node => node.kill('SIGKILL')));
        await Promise.all(cluster.nodes.map(node => node.restart()));
        await cluster.waitUntilReady();
        const last = versionToLexi(4_000);
        expect(await store.resumeTokens.resume('s', last)).toEqual({ kind: 'resume', resumeToken: 'old-4000' });
        expect(await store.resumeTokens.getOrCreateWatermark('s', 'old-1')).toBe('01');
        expect((await store.resumeTokens.getOrCreateWatermark('s', 'new')) > last).toBe(true);
    });
});
