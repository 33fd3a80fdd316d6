import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { describe, expect, test, vi } from 'vitest';
import { natsServers } from '../../test/nats-binaries.js';
import { startNatsServer } from './nats-server.js';
import type { NatsServer } from './types.js';

const { newest, oldest } = natsServers();

async function publish(server: NatsServer, text: string): Promise<number> {
    const connection = await connect({ servers: server.url });
    try {
        await (await jetstreamManager(connection)).streams.add({ name: 'things', subjects: ['things'] });
        return (await jetstream(connection).publish('things', text)).seq;
    } finally {
        await connection.close();
    }
}

async function stored(server: NatsServer): Promise<number> {
    const connection = await connect({ servers: server.url });
    try {
        return (await (await jetstreamManager(connection)).streams.info('things')).state.messages;
    } finally {
        await connection.close();
    }
}

describe.each([newest, oldest])('nats-server $version', ({ path: binary, version }) => {
    test('is ready for JetStream when it is handed out, on 127.0.0.1 and under its own name', async () => {
        await using server = await startNatsServer({ binary });
        expect(await publish(server, 'one')).toBe(1);
        const connection = await connect({ servers: server.url });
        expect(connection.info).toMatchObject({ host: '127.0.0.1', version, server_name: server.name });
        expect(connection.info?.connect_urls).toBeUndefined();
        await connection.close();
        expect(server).toMatchObject({ version, running: true, paused: false, url: `nats://127.0.0.1:${server.port}` });
        expect(server.logs()).toContain('Server is ready');
        expect(server.logs(1).split('\n')).toHaveLength(1);
        expect((await fetch(`${server.monitorUrl}/healthz`)).status).toBe(200);
    });

    test('keeps port and store through kill -9, and through an orderly restart', async () => {
        await using server = await startNatsServer({ binary });
        const { url, pid } = server;
        await publish(server, 'one');
        await server.kill();
        expect(server).toMatchObject({ running: false, pid: undefined, url });
        await server.kill();
        await server.restart();
        expect(await stored(server)).toBe(1);
        await publish(server, 'two');
        await server.restart();
        expect(await stored(server)).toBe(2);
        expect(server.url).toBe(url);
        expect(server.pid).not.toBe(pid);
    });

    test('restarts that overlap come one after another', async () => {
        await using server = await startNatsServer({ binary });
        await publish(server, 'one');
        await Promise.all([server.restart(), server.restart(), server.restart()]);
        expect(await stored(server)).toBe(1);
    });

    test('answers nothing while it is paused, and can be ended then', async () => {
        await using server = await startNatsServer({ binary });
        const connection = await connect({ servers: server.url });
        server.pause();
        expect(server).toMatchObject({ paused: true, running: true });
        await expect(connection.request('$JS.API.INFO', '', { timeout: 200 })).rejects.toThrow('timeout');
        server.resume();
        expect(server.paused).toBe(false);
        expect((await connection.request('$JS.API.INFO')).data.length).toBeGreaterThan(0);
        await connection.close();
        server.pause();
        await server.kill('SIGTERM');
        expect(server).toMatchObject({ paused: false, running: false });
        server.pause();
        expect(server.paused).toBe(false);
    });

    test('needs no client to know that it is ready: credentials, no JetStream, a second log', async () => {
        const config = `
            authorization: { user: alice, password: "s3cret-word" }
            port: 4222, http: "127.0.0.1:8222", server_name: other, log_file: "/nowhere/else.log"
        `;
        await using server = await startNatsServer({ binary, config, jetstream: false });
        expect(server.port).not.toBe(4222);
        await expect(connect({ servers: server.url })).rejects.toThrow(/authorization violation/i);
        const connection = await connect({ servers: server.url, user: 'alice', pass: 's3cret-word' });
        expect(connection.info).toMatchObject({ server_name: server.name });
        expect(connection.info?.jetstream).toBeFalsy();
        await connection.close();
        expect(server.logs()).toContain('Server is ready');
        expect(statSync(join(dirname(server.logPath), 'options.conf')).mode & 0o077).toBe(0);
    });

    test('takes JetStream’s limits', async () => {
        const jetstreamOptions = {
            maxFileStoreBytes: 1_000_000,
            maxMemoryStoreBytes: 500_000,
            syncInterval: 'always'
        } as const;
        await using server = await startNatsServer({ binary, jetstreamOptions });
        const { config } = (await (await fetch(`${server.monitorUrl}/jsz`)).json()) as { config: unknown };
        expect(config).toMatchObject({ max_storage: 1_000_000, max_memory: 500_000, sync_always: true });
    });

    test('a configuration that it refuses is in the error, and nothing is left', async () => {
        const failure = await startNatsServer({ binary, config: 'no_such_setting: 1' }).catch(
            (error: unknown) => error
        );
        expect(failure).toMatchObject({ name: 'NatsServerError', code: 'ERR_NATS_SERVER_EXITED' });
        expect((failure as Error).message).toMatch(
            /exited with 1 before it was ready[^]*options\.conf:1:\d+.*no_such_setting/
        );
        const [folder = ''] = /\/\S*zero-watermark-nats-[^/]+/.exec((failure as Error).message) ?? [];
        expect(folder).not.toBe('');
        expect(existsSync(folder)).toBe(false);
    });

    test('stop removes everything, may be repeated, and ends the use of it', async () => {
        const server = await startNatsServer({ binary });
        const folder = dirname(server.logPath);
        expect(existsSync(folder)).toBe(true);
        await Promise.all([server.stop(), server.stop()]);
        expect(existsSync(folder)).toBe(false);
        expect(server).toMatchObject({ running: false, pid: undefined });
        expect(server.logs()).toBe('');
        await expect(server.restart()).rejects.toMatchObject({ code: 'ERR_NATS_SERVER_STOPPED' });
    });

    test('stop in the middle of a restart wins', async () => {
        const server = await startNatsServer({ binary });
        const restarted = server.restart().then(
            () => 'restarted',
            () => 'given up'
        );
        await server.stop();
        expect(await restarted).toBe('given up');
        expect(server.running).toBe(false);
    });

    test('a store folder that was named is kept for the next server', async () => {
        const storeDirectory = await mkdtemp(join(tmpdir(), 'kept-store-'));
        try {
            for (const expected of [1, 2]) {
                await using server = await startNatsServer({ binary, storeDirectory });
                expect(await publish(server, 'one')).toBe(expected);
                expect(server.storeDirectory).toBe(storeDirectory);
            }
        } finally {
            await rm(storeDirectory, { recursive: true });
        }
    });
});

test('a node can be upgraded in place', async () => {
    await using server = await startNatsServer({ binary: oldest.path });
    await publish(server, 'one');
    await server.restart({ binary: newest.path });
    expect(server.version).toBe(newest.version);
    expect(await stored(server)).toBe(1);
});

test('a restart with a binary that is not there leaves the server running', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    const { pid } = server;
    await expect(server.restart({ binary: '/nowhere/nats-server' })).rejects.toMatchObject({
        code: 'ERR_NATS_SERVER_NOT_FOUND'
    });
    expect(server.pid).toBe(pid);
});

test('a restart waits for its port when somebody else has it meanwhile, but not for ever', async () => {
    await using server = await startNatsServer({ binary: newest.path, startTimeoutMs: 1500 });
    await server.kill();
    const intruder = createServer();
    await once(intruder.listen(server.port, '127.0.0.1'), 'listening');
    await expect(server.restart()).rejects.toMatchObject({
        code: 'ERR_NATS_SERVER_PORT_TAKEN',
        message: expect.stringContaining('address already in use')
    });
    const restarted = server.restart();
    await vi.waitFor(() => expect(server.logs().match(/address already in use/g)?.length).toBeGreaterThan(1), 20_000);
    intruder.close();
    await restarted;
    expect(server.running).toBe(true);
});

test('a server that takes too long is given up and removed', async () => {
    const failure = await startNatsServer({ binary: newest.path, startTimeoutMs: 0 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_NATS_SERVER_TIMEOUT' });
    expect((failure as Error).message).toContain('was not ready in time (startTimeoutMs)');
});
