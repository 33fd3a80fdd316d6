import { Deadline } from '@cbnsndwch/zero-contracts/backend';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openBucket } from '../src/bucket.js';
import { Connection } from '../src/connection.js';
import { resolveOptions } from '../src/options.js';
import { type NatsServer, startNatsServer } from '../src/testing.js';
import { natsServers } from './nats-binaries.js';
import { uniqueBucket } from './support/backends.js';

let server: NatsServer;
let connection: Connection;

beforeAll(async () => {
    server = await startNatsServer({ binary: natsServers().newest.path });
    connection = await Connection.open(resolveOptions({ servers: [server.url], bucket: 'any' }), Deadline.in(10_000));
});
afterAll(async () => {
    await connection.close();
    await server.stop();
});

/** What a server that is newer than this one may know. */
const unheardOf = { allow_more_than_ever: true };

test.each([
    ['the newest that it knows', [{ ...unheardOf, allow_atomic: true }, { allow_atomic: true }], true],
    ['none of them', [{ ...unheardOf, allow_atomic: true }], false]
])('a server that refuses settings that it does not know gets %s', async (_, settings, isAtomic) => {
    const config = resolveOptions({ servers: [server.url], bucket: uniqueBucket(), replicas: 1 });
    const { info } = await openBucket(connection, config, Deadline.in(10_000), { extraSettings: settings });
    expect(info.config.allow_atomic === true).toBe(isAtomic);
});
