import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { describe, expect, test, vi } from 'vitest';
import { natsServers } from '../../test/nats-binaries.js';
import { startNatsCluster } from './nats-cluster.js';

const { newest, oldest } = natsServers();

describe.each([newest, oldest])('nats-server $version', ({ path: binary, version }) => {
    test('three nodes are ready for replicated streams when they are handed out', async () => {
        await using cluster = await startNatsCluster(3, { binary });
        expect(cluster.nodes.map(node => node.version)).toEqual([version, version, version]);
        expect(new Set(cluster.urls).size).toBe(3);
        const connection = await connect({ servers: [...cluster.urls] });
        // Ready is not quick: on a busy machine a stream may take longer than the client's usual five seconds.
        const { streams } = await jetstreamManager(connection, { timeout: 20_000 });
        const { cluster: placed } = await streams.add({ name: 'things', subjects: ['things'], num_replicas: 3 });
        expect(new Set([placed?.leader, ...(placed?.replicas ?? []).map(replica => replica.name)])).toEqual(
            new Set(cluster.nodes.map(node => node.name))
        );
        await connection.close();
    });

    test('a client of one node learns the others, and goes there when its node is killed', async () => {
        await using cluster = await startNatsCluster(3, { binary });
        const [node] = cluster.nodes;
        const connection = await connect({ servers: node?.url ?? '', reconnectTimeWait: 50 });
        expect(new Set(connection.info?.connect_urls?.map(url => `nats://${url}`))).toEqual(new Set(cluster.urls));
        const reconnected = (async () => {
            for await (const { type } of connection.status()) {
                if (type === 'reconnect') {
                    return connection.getServer();
                }
            }
            return undefined;
        })();
        await node?.kill();
        const now = await reconnected;
        expect(cluster.urls.slice(1)).toContain(`nats://${now}`);
        await connection.close();
    });

    test('gets ready again without its killed leader, and with it when it is back', async () => {
        await using cluster = await startNatsCluster(3, { binary });
        const first = await cluster.metaLeader();
        await first?.kill();
        await cluster.waitUntilReady();
        const second = await cluster.metaLeader();
        expect(second).toBeDefined();
        expect(second?.name).not.toBe(first?.name);
        await first?.restart();
        await cluster.waitUntilReady();
        expect(await cluster.metaLeader()).toBeDefined();
    });
});

test('without a majority it is not ready, and says why', async () => {
    await using cluster = await startNatsCluster(3, { binary: newest.path });
    const leader = await cluster.metaLeader();
    const [one, two] = cluster.nodes.filter(node => node !== leader);
    one?.pause();
    await leader?.kill();
    await expect(cluster.waitUntilReady(300)).rejects.toMatchObject({
        code: 'ERR_NATS_SERVER_TIMEOUT',
        message: expect.stringContaining(two?.name ?? '')
    });
    one?.resume();
    await cluster.waitUntilReady();
});

test('nodes can be upgraded one after another', async () => {
    await using cluster = await startNatsCluster(3, { binary: oldest.path, name: 'rolling' });
    const connection = await connect({ servers: [...cluster.urls], maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    const { streams } = await jetstreamManager(connection);
    await streams.add({ name: 'things', subjects: ['things'], num_replicas: 3 });
    for (const node of cluster.nodes) {
        await node.restart({ binary: newest.path });
        await cluster.waitUntilReady();
    }
    expect(cluster.nodes.map(node => `${node.name} ${node.version}`)).toEqual(
        [1, 2, 3].map(index => `rolling-${index} ${newest.version}`)
    );
    const fresh = await connect({ servers: [...cluster.urls] });
    expect((await (await jetstreamManager(fresh)).streams.info('things')).config.num_replicas).toBe(3);
    await Promise.all([connection.close(), fresh.close()]);
});

test('a cluster of one is a single server', async () => {
    await using cluster = await startNatsCluster(1, { binary: newest.path });
    const connection = await connect({ servers: [...cluster.urls] });
    expect((await (await jetstreamManager(connection)).getAccountInfo()).streams).toBe(0);
    await connection.close();
    await cluster.waitUntilReady();
    expect(await cluster.metaLeader()).toBe(cluster.nodes[0]);
    await cluster.stop();
    await expect(cluster.waitUntilReady(0)).rejects.toThrow('no node runs');
});

test('two nodes without JetStream are ready when they are routed to each other', async () => {
    await using cluster = await startNatsCluster(2, { binary: newest.path, jetstream: false });
    const [to, from] = await Promise.all([0, 1].map(index => connect({ servers: cluster.urls[index] ?? '' })));
    const heard: string[] = [];
    to?.subscribe('greeting', { callback: (_, message) => void heard.push(message.string()) });
    await to?.flush();
    // The news of the subscription may still be on its way along the route.
    await vi.waitFor(() => {
        from?.publish('greeting', 'hello');
        expect(heard[0]).toBe('hello');
    }, 20_000);
    await Promise.all([to?.close(), from?.close()]);
});

test('a configuration that is refused stops all nodes', async () => {
    await expect(startNatsCluster(3, { binary: newest.path, config: 'no_such_setting: 1' })).rejects.toMatchObject({
        code: 'ERR_NATS_SERVER_EXITED'
    });
});

test.each([0, -1, 1.5, Number.NaN])('a cluster of %s nodes is refused', async size => {
    await expect(startNatsCluster(size)).rejects.toThrow('A cluster has 1 node or more');
});
