import 'reflect-metadata';

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { versionFromLexi, versionToLexi } from '@cbnsndwch/zero-contracts';
import { type NatsServer, startNatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';
import { openWatermarkStore } from '@cbnsndwch/zero-watermark-nats-kv/store';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { ConsoleLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { natsServers } from '../../../packages/zero-watermark-nats-kv/test/nats-binaries.js';
import { expectNoSecret, makeFolder, replaceFile } from '../../../packages/zero-watermark-nats-kv/test/support/auth.js';
import { secretText } from '../../../packages/zero-watermark-nats-kv/test/support/authentications.js';
import {
    makeCertificates,
    type TestCertificates
} from '../../../packages/zero-watermark-nats-kv/test/support/certificates.js';
import { subjectsInTable, userWith } from '../../../packages/zero-watermark-nats-kv/test/support/permissions.js';
import { eventually } from '../../../test/support/expectations.js';
import { AppModule } from '../src/app.module.js';
import { ChangeSourceServer } from '../src/change-source.server.js';
import { configFromEnvironment, rowsConnection } from '../src/config.js';
import { FakeZeroCache } from './support/fake-zero-cache.js';

const { newest, oldest } = natsServers();
const schema = JSON.stringify({ tables: { item: { primaryKey: ['id'], columns: { id: 'string', count: 'number' } } } });

/** Keeps what is logged. */
class RecordingLogger extends ConsoleLogger {
    readonly messages: unknown[] = [];

    protected override printMessages(messages: unknown[]): void {
        this.messages.push(...messages);
    }
}

async function startApplication(environment: Record<string, string>) {
    const logger = new RecordingLogger();
    const config = configFromEnvironment({ ROWS_SCHEMA: 's', PORT: '0', ...environment }, () => schema);
    const app = await NestFactory.createApplicationContext(AppModule.forConfig(config), {
        logger,
        abortOnError: false
    });
    const { url } = app.get(ChangeSourceServer, { strict: false });
    return { app, logger, url, [Symbol.asyncDispose]: () => app.close() };
}

/** Makes the bucket of the rows, with a row, and the shard. */
async function prepare(
    server: NatsServer,
    user: string,
    pass: string,
    tls?: { readonly caFile: string }
): Promise<void> {
    const options = { user, pass, ...(tls === undefined ? {} : { tls }) };
    const connection = await connect({ servers: server.url, ...options });
    const rows = await new Kvm(jetstream(connection)).create('rows');
    await rows.put('item.a', '{"count":1}');
    await connection.close();
    await using store = await openWatermarkStore({ servers: [server.url], bucket: 'zero-watermarks', ...options });
    await store.resumeTokens.provision(['zero_0']);
}

/** The status with which a connection is refused. */
async function statusOf(socket: WebSocket): Promise<number | undefined> {
    socket.on('error', () => {});
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }];
    socket.terminate();
    return response.statusCode;
}

/** What a change source may publish, according to docs/security.md. */
const subjects = subjectsInTable('### The change source');

function usersConfig(users: readonly string[]): string {
    return `authorization { users: [${['{ user: administrator, password: "a-password" }', ...users].join(', ')}] }`;
}

function violationsIn(server: NatsServer): string[] {
    return server
        .logs(100_000)
        .split('\n')
        .filter(line => /violation/i.test(line));
}

/** Everything that zero-cache has a change source do: an initial sync, a change, and a reset that moves the shard. */
async function useAsZeroCache(url: string, change: () => Promise<void>): Promise<void> {
    const first = await FakeZeroCache.initialSync(url);
    const zeroCache = FakeZeroCache.after(url, first.last);
    await change();
    await zeroCache.until('the change', () => zeroCache.rows.get('item')?.size === 1);
    zeroCache.close();
    const ahead = FakeZeroCache.after(url, versionToLexi(versionFromLexi(first.last) + 4096n * 50n));
    await ahead.until('the reset', () => ahead.resets.length > 0);
    ahead.close();
}

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    test('the subjects in docs/security.md are all that a change source needs', async () => {
        await using server = await startNatsServer({ binary, config: usersConfig([userWith('source', subjects)]) });
        await prepare(server, 'administrator', 'a-password');
        const environment = { NATS_SERVERS: server.url, NATS_USER: 'source', NATS_PASSWORD: 'a-password' };
        await using source = await startApplication(environment);
        await useAsZeroCache(source.url, async () => {
            const administrator = await connect({ servers: server.url, user: 'administrator', pass: 'a-password' });
            await (await new Kvm(jetstream(administrator)).open('rows')).put('item.b', '{"count":2}');
            await administrator.close();
        });
        expect(violationsIn(server)).toEqual([]);
    });

    test('tls:// is refused by a server without TLS, before a credential is sent', async () => {
        await using server = await startNatsServer({ binary, config: 'authorization { token: "some-token" }' });
        const environment = { NATS_SERVERS: server.url.replace('nats:', 'tls:'), NATS_TOKEN: 'another-token' };
        await expect(startApplication(environment)).rejects.toThrow('the server offers no TLS');
        const config = configFromEnvironment({ ROWS_SCHEMA: 's', ...environment }, () => schema);
        await expect(connect(rowsConnection(config))).rejects.toThrow("server does not support 'tls'");
        expect(server.logs(1_000)).not.toMatch(/authentication error/i);
    });
});

describe('what is not permitted is said, with the subject', () => {
    let server: NatsServer;
    const without = (start: string) => subjects.filter(subject => !subject.startsWith(start));
    const withoutRead = ['$JS.API.CONSUMER.CREATE.', '$JS.API.CONSUMER.MSG.NEXT.', '$JS.API.STREAM.MSG.GET.KV_rows'];

    beforeAll(async () => {
        const users = withoutRead.map((start, index) => userWith(`reader-${index}`, without(start)));
        users.push(userWith('nothing', without('$JS.API.STREAM.INFO.KV_rows')));
        server = await startNatsServer({ binary: newest.path, config: usersConfig(users) });
        await prepare(server, 'administrator', 'a-password');
    });
    afterAll(() => server.stop());

    const environmentOf = (user: string) => ({
        NATS_SERVERS: server.url,
        NATS_USER: user,
        NATS_PASSWORD: 'a-password'
    });

    test('a start that needs it fails', async () => {
        await expect(startApplication(environmentOf('nothing'))).rejects.toThrow('"$JS.API.STREAM.INFO.KV_rows"');
    });

    test.each(withoutRead)('a connection that needs it is closed: %s', async start => {
        await using source = await startApplication(environmentOf(`reader-${withoutRead.indexOf(start)}`));
        const zeroCache = new FakeZeroCache(source.url);
        const [code] = (await once(zeroCache.socket, 'close')) as [number];
        expect(code).toBe(1011);
        expect(source.logger.messages.join('\n')).toContain(`"${start}`);
    });

    test('a start with a wrong password fails also where the watermarks are elsewhere', async () => {
        await using folder = await makeFolder();
        const environment = { ...environmentOf('nothing'), WATERMARKS_DATABASE: join(folder.path, 'w.db') };
        await expect(startApplication({ ...environment, NATS_PASSWORD: 'wrong' })).rejects.toThrow(/refuses/);
    });
});

test('no subject in docs/security.md can be left out', async () => {
    expect(subjects.length).toBeGreaterThan(5);
    const users = subjects.map((subject, index) => {
        const others = subjects.filter(other => other !== subject);
        return userWith(`without-${index}`, others);
    });
    await using server = await startNatsServer({ binary: newest.path, config: usersConfig(users) });
    await prepare(server, 'administrator', 'a-password');
    const folder = await makeFolder();
    await using _ = folder;
    const schemaFile = join(folder.path, 'schema.json');
    await replaceFile(schemaFile, schema);
    await Promise.all(
        subjects.map(async (subject, index) => {
            const user = `without-${index}`;
            const environment = { NATS_SERVERS: server.url, NATS_USER: user, NATS_PASSWORD: 'a-password', PORT: '0' };
            // Some never start, so each has a process of its own.
            const child = fork(fileURLToPath(new URL('../dist/main.js', import.meta.url)), {
                env: { ...process.env, ...environment, ROWS_SCHEMA: schemaFile },
                execArgv: [],
                silent: true
            });
            const exited = once(child, 'exit');
            const connections: FakeZeroCache[] = [];
            child.once('message', ({ url }: { url: string }) => {
                const connection = new FakeZeroCache(url, { parameters: {} });
                connections.push(connection);
                void connection
                    .until('the initial sync', () => connection.last !== '')
                    .then(() => {
                        const ahead = versionToLexi(versionFromLexi(connection.last) + 4096n * 50n);
                        connections.push(FakeZeroCache.after(url, ahead));
                    })
                    .catch(() => {});
            });
            const pattern = subject.replaceAll(/[$.]/g, '\\$&').replaceAll('*', '[^."]+').replace('>', '[^"]+');
            const isDenied = (line: string) => line.includes(user) && new RegExp(`"${pattern}"`).test(line);
            try {
                await eventually(`without ${subject}`, () => violationsIn(server).some(isDenied), 40_000);
            } finally {
                connections.forEach(connection => connection.close());
                child.kill('SIGKILL');
                await exited;
            }
        })
    );
});

describe('TLS', () => {
    let certificates: TestCertificates;
    let server: NatsServer;
    beforeAll(async () => {
        certificates = await makeCertificates();
        const { certFile, keyFile } = certificates.server;
        const tls = `tls: { cert_file: "${certFile}", key_file: "${keyFile}" }`;
        const users = 'authorization { users: [{ user: source, password: "a-password" }] }';
        server = await startNatsServer({ binary: newest.path, config: `${tls}\n${users}` });
        await prepare(server, 'source', 'a-password', { caFile: certificates.caFile });
    });
    afterAll(async () => {
        await server.stop();
        await certificates[Symbol.asyncDispose]();
    });

    const environment = () => ({
        NATS_SERVERS: `tls://127.0.0.1:${server.port}`,
        NATS_USER: 'source',
        NATS_PASSWORD: 'a-password'
    });

    test('rows and watermarks come over TLS, with the authority', async () => {
        await using source = await startApplication({ ...environment(), NATS_CA_FILE: certificates.caFile });
        const zeroCache = await FakeZeroCache.initialSync(source.url);
        expect([...(zeroCache.rows.get('item')?.values() ?? [])]).toEqual([{ id: 'a', count: 1 }]);
    });

    test('a server that the authority has not signed is refused by both connections', async () => {
        const wrong = { ...environment(), NATS_CA_FILE: certificates.strangerCaFile };
        await expect(startApplication(wrong)).rejects.toThrow(/unable to verify/);
        const config = configFromEnvironment({ ROWS_SCHEMA: 's', ...wrong }, () => schema);
        await expect(connect(rowsConnection(config))).rejects.toThrow(/unable to verify/);
    });
});

describe('who may connect, and what is shown of it', () => {
    const pass = secretText();
    const secret = secretText();
    let server: NatsServer;
    beforeAll(async () => {
        const config = `authorization { users: [{ user: source, password: "${pass}" }] }`;
        server = await startNatsServer({ binary: newest.path, config });
        await prepare(server, 'source', pass);
    });
    afterAll(() => server.stop());

    test('neither the application nor its log shows the secret or the password', async () => {
        const environment = { NATS_SERVERS: server.url, NATS_USER: 'source', NATS_PASSWORD: pass };
        await using source = await startApplication({ ...environment, CHANGE_SOURCE_SECRET: secret });
        const { app, logger, url } = source;
        const query = 'appID=zero&shardNum=0';
        const wrong = secretText();
        expect(await statusOf(new WebSocket(`${url}?${query}`))).toBe(401);
        expect(await statusOf(new WebSocket(`${url}?${query}&secret=${wrong}`))).toBe(401);
        expect(await statusOf(new WebSocket(`${url}?appID=%20&secret=${secret}`))).toBe(400);
        expect(await statusOf(new WebSocket(`${url}?${query}&secret=${secret}&publications=unknown`))).toBe(400);
        expect(await statusOf(new WebSocket(`${url}/${secret}?${query}`))).toBe(404);
        await FakeZeroCache.initialSync(url, { secret });
        expect(logger.messages.length).toBeGreaterThan(5);
        expectNoSecret(logger.messages, [secret, wrong, pass]);
        expectNoSecret(app, [secret, pass]);
    });

    test('a page in a browser is refused, whatever it knows: browsers connect to any port for any page', async () => {
        const environment = { NATS_SERVERS: server.url, NATS_USER: 'source', NATS_PASSWORD: pass };
        await using source = await startApplication({ ...environment, CHANGE_SOURCE_SECRET: secret });
        const url = `${source.url}?appID=zero&shardNum=0&secret=${secret}`;
        expect(await statusOf(new WebSocket(url, { origin: 'http://evil.example' }))).toBe(403);
    });

    const hidden = secretText();
    test.each([
        ['a wrong password', { NATS_PASSWORD: hidden }],
        ['a wrong token', { NATS_TOKEN: hidden }],
        ['two ways to authenticate', { NATS_USER: 'source', NATS_PASSWORD: hidden, NATS_TOKEN: hidden }],
        ['credentials in place of their file', { NATS_CREDENTIALS: hidden }],
        ['a password in the address', { NATS_SERVERS: `nats://source:${hidden}@127.0.0.1` }]
    ])('a start that fails shows none: %s', async (_, environment) => {
        const all = { NATS_SERVERS: server.url, CHANGE_SOURCE_SECRET: secret, ...environment };
        const failed: unknown = await startApplication(all).then(
            source => source.app.close(),
            (error: unknown) => error
        );
        expect(failed).toBeInstanceOf(Error);
        expectNoSecret(failed, [secret, hidden]);
    });
});
