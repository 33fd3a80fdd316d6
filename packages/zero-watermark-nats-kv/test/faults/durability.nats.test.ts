import { describe, expect, test } from 'vitest';

import { type LexiVersion, WatermarkErrorCode, type WatermarkStore } from '../../src/store.js';
import { type JetStreamTestOptions, type NatsServer, startNatsCluster, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { eventually, openOn, recordLog, uniqueBucket } from '../support/backends.js';
import { findBrokenPromises, Workload } from '../support/workload.js';

const { newest, oldest } = natsServers();

/** When what was written is put on the disk: the default is two minutes, so none of it is when the processes are killed. */
const syncs: readonly { readonly sync: string; readonly jetstreamOptions: JetStreamTestOptions }[] = [
    { sync: 'default', jetstreamOptions: {} },
    { sync: 'always', jetstreamOptions: { syncInterval: 'always' } }
];

const places = [newest, oldest].flatMap(({ version, path }) =>
    [1, 3].flatMap(nodes =>
        syncs.map(({ sync, jetstreamOptions }) => ({ version, path, nodes, sync, jetstreamOptions }))
    )
);

/** Tokens, one call after the other, until told to stop; what was acknowledged. */
function assignTokens({ resumeTokens }: WatermarkStore) {
    const acknowledged: { readonly resumeToken: string; readonly watermark: LexiVersion }[] = [];
    let stopping = false;
    const running = (async () => {
        for (let count = 0; !stopping; count += 1) {
            const group = [0, 1, 2].map(index => `token ${count}.${index}`);
            const watermarks = await resumeTokens.getOrCreateWatermarks('s', group);
            watermarks.forEach((watermark, index) => acknowledged.push({ watermark, resumeToken: group[index] ?? '' }));
            await new Promise(resolve => setTimeout(resolve, 10));
        }
    })();
    const goOn = () => {
        const before = acknowledged.length;
        return eventually('more tokens', () => acknowledged.length >= before + 30, 40_000);
    };
    const stop = async () => {
        stopping = true;
        await running;
    };
    return { acknowledged, goOn, stop };
}

/** What the tests above would show if what they say were not so. */
test.each([
    { what: 'a bucket in memory', settings: { storage: 'memory' } },
    { what: 'a bucket with persist_mode async', settings: { persist_mode: 'async' } }
])('$what loses acknowledged writes by kill -9, as it is said when it is opened', async ({ settings }) => {
    await using server = await startNatsServer({ binary: newest.path });
    await using administrator = await Administrator.connect([server.url]);
    const bucket = uniqueBucket();
    await administrator.createBucket(bucket, settings);
    const logger = recordLog();
    await using store = await openOn({ urls: [server.url], replicas: 1 }, { bucket, logger });
    expect(logger.warnings).toEqual([expect.stringMatching(/lost when (its server is killed|the servers restart)/)]);
    const keys = Array.from({ length: 300 }, (_, index) => `key-${index}`);
    // A server on a busy machine may just have written everything.
    let lost = 0;
    for (let round = 1; round <= 10 && lost === 0; round += 1) {
        for (const key of keys) {
            await store.watermarks.set(`${key}-${round}`, 'v1');
        }
        await server.kill('SIGKILL');
        await server.restart();
        lost = round * keys.length - (await countLeft(store));
    }
    expect(lost).toBeGreaterThan(0);
});

/** Of a bucket in memory, not even the bucket is left. */
async function countLeft({ watermarks }: WatermarkStore): Promise<number> {
    try {
        return (await watermarks.getAll()).size;
    } catch (error) {
        expect(error).toMatchObject({ code: WatermarkErrorCode.BUCKET_NOT_FOUND });
        return 0;
    }
}

describe.each(places)(
    'kill -9 of all nodes at once: nats-server $version, $nodes, sync_interval $sync',
    ({ path: binary, nodes, jetstreamOptions }) => {
        test('every acknowledged watermark and token is there afterwards, and under the same number', async () => {
            const cluster = nodes === 1 ? undefined : await startNatsCluster(nodes, { binary, jetstreamOptions });
            const servers: readonly NatsServer[] = cluster?.nodes ?? [
                await startNatsServer({ binary, jetstreamOptions })
            ];
            await using _ = {
                [Symbol.asyncDispose]: () => Promise.all(servers.map(server => server.stop())).then(() => {})
            };
            const urls = servers.map(({ url }) => url);
            await using administrator = await Administrator.connect(urls);
            const bucket = uniqueBucket();
            await administrator.createUnlimitedBucket(bucket, nodes);
            const options = { bucket, logger: recordLog(), timeoutMs: 40_000 };
            await using first = await openOn({ urls, replicas: nodes }, options);
            await using second = await openOn({ urls, replicas: nodes }, options);
            await first.resumeTokens.provision(['s']);
            const workload = new Workload(first.watermarks, second.watermarks);
            const tokens = assignTokens(first);
            await Promise.all([workload.goesOn(), tokens.goOn()]);

            await Promise.all(servers.map(server => server.kill('SIGKILL')));
            await Promise.all(servers.map(server => server.restart()));
            await Promise.all([workload.goesOn(), tokens.goOn()]);
            await Promise.all([workload.stop(), tokens.stop()]);

            expect(workload.failures).toEqual([]);
            expect(findBrokenPromises(await administrator.messagesOf(bucket), workload)).toEqual([]);
            await using third = await openOn({ urls, replicas: nodes }, options);
            const given = tokens.acknowledged.map(({ watermark }) => watermark);
            expect(given).toEqual(given.toSorted());
            const found = await Promise.all(given.map(watermark => third.resumeTokens.getResumeToken('s', watermark)));
            expect(found).toEqual(tokens.acknowledged.map(({ resumeToken }) => resumeToken));
        });
    }
);
