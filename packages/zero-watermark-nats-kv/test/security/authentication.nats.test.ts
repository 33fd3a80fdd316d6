import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';

import { credsAuthenticator, nkeyAuthenticator } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';

import {
    InvalidOptionsError,
    isWatermarkError,
    type NatsKvConfig,
    openWatermarkStore,
    WatermarkErrorCode
} from '../../src/store.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import {
    everythingShownOf,
    expectNoSecret,
    makeFolder,
    makeJwtAuthority,
    makeNkey,
    replaceFile
} from '../support/auth.js';
import { eventually, recordLog, rejectionOf, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();

function secretText(): string {
    return randomBytes(12).toString('hex');
}

/** Opens a store, uses it and closes it. */
async function useStore(server: NatsServer, options: Partial<NatsKvConfig>): Promise<string | undefined> {
    await using store = await openWatermarkStore({ servers: [server.url], bucket: uniqueBucket(), ...options });
    await store.watermarks.set('users', 'v1');
    return (await store.watermarks.get('users'))?.version;
}

/** The error with which a store is refused, which shows none of the secrets. It doesn't take long. */
async function refusalOf(
    server: NatsServer,
    options: Partial<NatsKvConfig>,
    secrets: readonly string[]
): Promise<Error> {
    const logger = recordLog();
    const startedAt = performance.now();
    const error = await rejectionOf(useStore(server, { connectTimeoutMs: 15_000, logger, ...options }));
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expectNoSecret(error, secrets);
    expectNoSecret([logger.warnings, logger.errors], secrets);
    return error;
}

async function expectAuthenticationFailed(
    server: NatsServer,
    options: Partial<NatsKvConfig>,
    secrets: readonly string[],
    refused: string
): Promise<void> {
    const error = await refusalOf(server, options, secrets);
    expect(error).toMatchObject({ code: WatermarkErrorCode.AUTHENTICATION_FAILED, retryable: false });
    expect(error.message).toContain(`The NATS server (${server.url}) refused ${refused}.`);
    expect(error.cause).toBeUndefined();
}

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    test('user and password', async () => {
        const pass = secretText();
        const wrong = secretText();
        await using server = await startNatsServer({
            binary,
            config: `authorization { users: [{ user: change-source, password: "${pass}" }] }`
        });
        expect(await useStore(server, { user: 'change-source', pass })).toBe('v1');
        const asked = 'the user and password';
        await expectAuthenticationFailed(server, { user: 'change-source', pass: wrong }, [pass, wrong], asked);
        await expectAuthenticationFailed(server, { user: 'nobody', pass }, [pass], asked);
        await expectAuthenticationFailed(server, { token: wrong }, [pass, wrong], 'the token');
        await expectAuthenticationFailed(server, {}, [pass], 'a connection without credentials');
    });

    test('token', async () => {
        const token = secretText();
        const wrong = secretText();
        await using server = await startNatsServer({ binary, config: `authorization { token: "${token}" }` });
        expect(await useStore(server, { token })).toBe('v1');
        await expectAuthenticationFailed(server, { token: wrong }, [token, wrong], 'the token');
        await expectAuthenticationFailed(
            server,
            { user: 'a-user', pass: wrong },
            [token, wrong],
            'the user and password'
        );
    });

    test('NKey, through the authenticator of the client', async () => {
        const key = makeNkey();
        const wrong = makeNkey();
        await using server = await startNatsServer({
            binary,
            config: `authorization { users: [{ nkey: ${key.publicKey} }] }`
        });
        const authenticatorOf = (seed: string) => nkeyAuthenticator(new TextEncoder().encode(seed));
        expect(await useStore(server, { connection: { authenticator: authenticatorOf(key.seed) } })).toBe('v1');
        await expectAuthenticationFailed(
            server,
            { connection: { authenticator: authenticatorOf(wrong.seed) } },
            [key.seed, wrong.seed],
            'the NKey of connection.authenticator'
        );
    });

    test('JWT in a credentials file', async () => {
        const authority = await makeJwtAuthority();
        const stranger = await makeJwtAuthority();
        const [user, strangersUser, expired] = await Promise.all([
            authority.issue(),
            stranger.issue(),
            authority.issue({}, new Date(Date.now() - 60_000))
        ]);
        await using server = await startNatsServer({ binary, config: authority.serverConfig });
        await using folder = await makeFolder();
        const credentials = join(folder.path, 'nats.creds');
        const refused = `the credentials file ${JSON.stringify(credentials)}`;

        await replaceFile(credentials, user.credentials);
        expect(await useStore(server, { credentials })).toBe('v1');
        for (const { credentials: content, secrets } of [strangersUser, expired]) {
            await replaceFile(credentials, content);
            await expectAuthenticationFailed(server, { credentials }, secrets, refused);
        }
        await expectAuthenticationFailed(
            server,
            { connection: { authenticator: credsAuthenticator(new TextEncoder().encode(expired.credentials)) } },
            expired.secrets,
            'the JWT of connection.authenticator'
        );
    });

    test('a credentials file that is missing or malformed is refused before any connection is tried', async () => {
        await using folder = await makeFolder();
        const credentials = join(folder.path, 'nats.creds');
        const options = { servers: ['nats://127.0.0.1:1'], bucket: 'b', credentials };
        const missing = await rejectionOf(openWatermarkStore(options));
        expect(missing).toBeInstanceOf(InvalidOptionsError);
        expect(missing.message).toContain(
            `credentials: the file ${JSON.stringify(credentials)} can't be read (ENOENT)`
        );
        const content = secretText();
        await replaceFile(credentials, content);
        const malformed = await rejectionOf(openWatermarkStore(options));
        expect(malformed.message).toContain(JSON.stringify(credentials));
        expectNoSecret(malformed, [content]);
    });

    test('renewed credentials are picked up: the old ones expire while the store is open', async () => {
        const authority = await makeJwtAuthority();
        await using server = await startNatsServer({ binary, config: authority.serverConfig });
        await using folder = await makeFolder();
        const credentials = join(folder.path, 'nats.creds');
        // The server counts in whole seconds.
        const shortLived = await authority.issue({}, new Date(Date.now() + 3_000));
        await replaceFile(credentials, shortLived.credentials);
        const logger = recordLog();
        const bucket = uniqueBucket();
        await using store = await openWatermarkStore({ servers: [server.url], bucket, credentials, logger });
        await store.watermarks.set('users', 'v1');

        const seen: string[] = [];
        await store.watermarks.watch('users', watermark => seen.push(watermark.version));
        const refused = () => logger.errors.some(({ message }) => message.includes('refuses the credentials file'));
        await eventually('the server refuses the expired credentials', refused);
        expect(logger.errors).toHaveLength(1);
        const renewed = await authority.issue();
        await replaceFile(credentials, renewed.credentials);

        await store.watermarks.set('users', 'v2');
        await eventually('the watch goes on', () => seen.includes('v2'));
        expectNoSecret([logger.warnings, logger.errors], [...shortLived.secrets, ...renewed.secrets]);
    });

    test('a credentials file that is missing at a reconnect does no harm', async () => {
        const authority = await makeJwtAuthority();
        await using server = await startNatsServer({ binary, config: authority.serverConfig });
        await using folder = await makeFolder();
        const credentials = join(folder.path, 'nats.creds');
        await replaceFile(credentials, (await authority.issue()).credentials);
        const logger = recordLog();
        await using store = await openWatermarkStore({
            servers: [server.url],
            bucket: uniqueBucket(),
            credentials,
            logger
        });
        await store.watermarks.set('users', 'v1');
        await folder[Symbol.asyncDispose]();
        await server.restart();
        expect((await store.watermarks.get('users'))?.version).toBe('v1');
        expect(logger.warnings).toContainEqual(expect.stringContaining("can't be read (ENOENT)"));
    });

    test('a password that is changed meanwhile is logged once, and once it is put right all goes on', async () => {
        const pass = secretText();
        const users = (password: string) =>
            `authorization { users: [{ user: change-source, password: "${password}" }] }`;
        await using server = await startNatsServer({ binary, config: users(pass) });
        const configPath = join(dirname(server.logPath), 'options.conf');
        const logger = recordLog();
        const options = { servers: [server.url], bucket: uniqueBucket(), user: 'change-source', pass, logger };
        await using store = await openWatermarkStore({ ...options, timeoutMs: 2_000 });
        await store.watermarks.set('users', 'v1');

        await replaceFile(configPath, users(secretText()));
        await server.restart();
        const error = await rejectionOf(store.watermarks.get('users'));
        expect(isWatermarkError(error, WatermarkErrorCode.UNAVAILABLE)).toBe(true);
        expect(logger.errors.map(({ message }) => message)).toEqual([
            'The NATS server refuses the user and password since the connection was lost; still trying.'
        ]);

        await replaceFile(configPath, users(pass));
        await server.restart();
        expect((await store.watermarks.get('users'))?.version).toBe('v1');
        expectNoSecret([error, logger.errors, logger.warnings], [pass]);
    });

    test('an open store shows no secret, however it is looked at', async () => {
        const pass = secretText();
        await using server = await startNatsServer({
            binary,
            config: `authorization { users: [{ user: change-source, password: "${pass}" }] }`
        });
        const options = { servers: [server.url], bucket: uniqueBucket(), user: 'change-source', pass };
        await using store = await openWatermarkStore(options);
        expectNoSecret(store, [pass]);
        expectNoSecret(store.watermarks, [pass]);
        // The check itself finds a secret where there is one.
        expect(everythingShownOf(new Error('outer', { cause: { deep: [options] } }))).toContain(pass);
    });
});
