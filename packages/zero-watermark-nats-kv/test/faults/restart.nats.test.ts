import { expect, test } from 'vitest';

import { startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { openOn, recordLog, uniqueBucket } from '../support/backends.js';
import { findBrokenPromises, Workload } from '../support/workload.js';

const { newest, oldest } = natsServers();

test.each([newest, oldest])(
    'kill -9 and restart of the only server ($version) under load: slow calls, no errors, nothing lost or twice',
    async ({ path }) => {
        await using server = await startNatsServer({ binary: path });
        await using administrator = await Administrator.connect([server.url]);
        const bucket = uniqueBucket();
        await administrator.createUnlimitedBucket(bucket, 1);
        const backend = { urls: [server.url], replicas: 1 };
        await using first = await openOn(backend, { bucket, logger: recordLog() });
        await using second = await openOn(backend, { bucket, logger: recordLog() });
        const workload = new Workload(first.watermarks, second.watermarks);
        await workload.goesOn();
        for (const signal of ['SIGKILL', 'SIGKILL', 'SIGTERM'] as const) {
            await server.kill(signal);
            await server.restart();
            await workload.goesOn();
        }
        await workload.stop();
        expect(workload.failures).toEqual([]);
        expect(findBrokenPromises(await administrator.messagesOf(bucket), workload)).toEqual([]);
    }
);
