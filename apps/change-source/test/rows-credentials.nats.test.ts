import { startNatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';

import { natsServers } from '../../../packages/zero-watermark-nats-kv/test/nats-binaries.js';
import { configure } from '../../../packages/zero-watermark-nats-kv/test/support/reload.js';
import { eventually } from '../../../test/support/expectations.js';
import { NatsKvSource } from '../src/index.js';
import { parseSchema } from '../src/schema/parse-schema.js';

const schema = parseSchema({ tables: { item: { primaryKey: ['id'], columns: { id: 'string' } } } });
const configWith = (password: string) => `authorization { user: rows, password: "${password}" }`;

test('a password that is refused for a while does not end the reading of rows', async () => {
    await using server = await startNatsServer({ binary: natsServers().newest.path, config: configWith('right') });
    const options = { servers: server.url, user: 'rows', pass: 'right', reconnectTimeWait: 50 };
    const direct = await connect(options);
    await (await new Kvm(direct).create('rows')).put('item.1', JSON.stringify({ id: '1' }));
    await direct.close();
    const source = new NatsKvSource({ bucket: 'rows', connection: () => options }, { schema });
    await source.onModuleInit();

    await configure(server, configWith('another'));
    await server.restart();
    // The client's default gives up at the second one in a row.
    const refusals = () => server.logs(1_000).split('authentication error').length - 1;
    await eventually('the password is refused again and again', () => refusals() >= 4);
    await configure(server, configWith('right'));
    await server.restart();

    const rows: unknown[] = [];
    for await (const change of (await source.snapshot(AbortSignal.timeout(30_000))).changes) {
        rows.push(change);
    }
    expect(rows).toHaveLength(1);
    await source.onApplicationShutdown();
});
