import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, test, vi } from 'vitest';
import { natsServers } from '../../test/nats-binaries.js';
import { startNatsServer } from './nats-server.js';
import { startTcpProxy } from './tcp-proxy.js';

const { newest, oldest } = natsServers();

test.each([newest, oldest])(
    'an acknowledgement gets lost after the write was stored, on $version',
    async ({ path }) => {
        await using server = await startNatsServer({ binary: path });
        await using proxy = await startTcpProxy({ target: server });
        const direct = await connect({ servers: server.url });
        const { streams } = await jetstreamManager(direct);
        await streams.add({ name: 'things', subjects: ['things'] });
        const through = await connect({ servers: proxy.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });

        proxy.dropAnswers();
        await expect(jetstream(through).publish('things', 'one', { timeout: 300 })).rejects.toThrow(/timeout/i);
        expect((await streams.info('things')).state.messages).toBe(1);

        const reconnected = (async () => {
            for await (const { type } of through.status()) {
                if (type === 'reconnect') {
                    return;
                }
            }
        })();
        proxy.heal();
        await reconnected;
        expect((await jetstream(through).publish('things', 'two')).seq).toBe(2);
        await Promise.all([through.close(), direct.close()]);
    }
);

test('a silent partition loses what is said, a cut one breaks the connection, a slow one only takes longer', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using proxy = await startTcpProxy({ target: server });
    const connection = await connect({ servers: proxy.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    const events: string[] = [];
    const watching = (async () => {
        for await (const { type } of connection.status()) {
            events.push(type);
        }
    })();

    proxy.delay(50);
    const started = performance.now();
    await connection.request('$JS.API.INFO');
    expect(performance.now() - started).toBeGreaterThanOrEqual(100);
    proxy.heal();

    proxy.blackhole();
    await expect(connection.request('$JS.API.INFO', '', { timeout: 200 })).rejects.toThrow('timeout');
    expect(events).toEqual([]);
    proxy.heal();
    await vi.waitFor(() => expect(events).toContain('reconnect'), 20_000);
    await connection.request('$JS.API.INFO');

    events.length = 0;
    proxy.cut();
    await vi.waitFor(() => expect(events).toContain('reconnecting'), 20_000);
    expect(events).not.toContain('reconnect');
    proxy.heal();
    await vi.waitFor(() => expect(events).toContain('reconnect'), 20_000);
    await connection.request('$JS.API.INFO');
    await connection.close();
    await watching;
});
