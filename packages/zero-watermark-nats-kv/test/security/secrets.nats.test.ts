import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { isWatermarkError, type NatsKvOptions, openWatermarkStore, WatermarkErrorCode } from '../../src/store.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';

import { natsServers } from '../nats-binaries.js';
import { everythingShownOf, expectNoSecret, replaceFile } from '../support/auth.js';
import { type Authentication, authentications, secretText } from '../support/authentications.js';
import { recordLog, rejectionOf, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();

/** Everything that could be seen of a store while everything that can go wrong went wrong. */
class Witness {
    readonly logger = recordLog();
    readonly #shown: unknown[] = [];

    look(...values: unknown[]): void {
        this.#shown.push(...values);
    }

    async failureOf(call: Promise<unknown>, ...expected: readonly string[]): Promise<void> {
        const error = await rejectionOf(call);
        expect(isWatermarkError(error), String(error)).toBe(true);
        expect(expected).toContain('code' in error ? error.code : undefined);
        this.look(error);
    }

    expectNo(secrets: readonly string[]): void {
        expectNoSecret([this.#shown, this.logger.warnings, this.logger.errors], secrets);
        for (const value of this.#shown) {
            expectNoSecret(value, secrets);
        }
    }
}

const { AUTHENTICATION_FAILED, CLOSED, OUTCOME_UNKNOWN, PERMISSION_DENIED, UNAVAILABLE } = WatermarkErrorCode;

/** The server as the test sees it, addressed as the authentication wants it. */
async function start(binary: string, { serverConfig, scheme }: Authentication) {
    const server = await startNatsServer({ binary, config: serverConfig });
    return { server, url: `${scheme}://127.0.0.1:${server.port}` };
}

function changeConfig(server: NatsServer, config: string): Promise<void> {
    return replaceFile(join(dirname(server.logPath), 'options.conf'), config);
}

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    // Each is waiting most of the time.
    test.concurrent.for(Object.entries(authentications))('%s: no failure shows it', async ([, prepare], context) => {
        const endWithTest = (disposable: AsyncDisposable) =>
            context.onTestFinished(() => disposable[Symbol.asyncDispose]());
        const authentication = await prepare(endWithTest);
        const { right, wrong, secrets, hasPermissions, revokedConfig, serverConfig } = authentication;
        const { server, url } = await start(binary, authentication);
        endWithTest(server);
        const witness = new Witness();
        const { logger } = witness;
        const common = { bucket: uniqueBucket(), connectTimeoutMs: 2_500, logger };
        const rightOptions = await right(url);
        const open = (options: Partial<NatsKvOptions>) =>
            openWatermarkStore({ ...common, ...options } as unknown as NatsKvOptions);

        // What has to succeed is given time, also on a busy machine; what has to fail is not.
        const store = await open({ ...rightOptions, connectTimeoutMs: 20_000 });
        endWithTest(store);
        const { watermarks, resumeTokens } = store;
        await watermarks.set('users', 'v1');
        await resumeTokens.getOrCreateWatermark('orders', 'position-1');
        await watermarks.watch('users', () => Promise.reject(new Error('the callback fails')) as unknown as void);
        const hasty = await open({ ...rightOptions, connectTimeoutMs: 20_000, timeoutMs: 700 });
        endWithTest(hasty);
        witness.look(store, watermarks, resumeTokens, hasty);

        if (hasPermissions) {
            await witness.failureOf(watermarks.set('forbidden', 'v1'), PERMISSION_DENIED);
        }
        if (wrong !== undefined) {
            // Whoever refuses a certificate says nothing of it.
            await witness.failureOf(open(wrong(url)), AUTHENTICATION_FAILED, UNAVAILABLE);
            const otherScheme = url.startsWith('tls') ? { tls: {} } : { servers: [url.replace('nats:', 'tls:')] };
            await witness.failureOf(open({ ...rightOptions, ...otherScheme } as Partial<NatsKvOptions>), UNAVAILABLE);
        }

        server.pause();
        await witness.failureOf(hasty.watermarks.get('users'), UNAVAILABLE);
        await witness.failureOf(hasty.watermarks.set('users', 'v2'), OUTCOME_UNKNOWN, UNAVAILABLE);
        await witness.failureOf(
            hasty.resumeTokens.getOrCreateWatermark('orders', 'position-2'),
            OUTCOME_UNKNOWN,
            UNAVAILABLE
        );

        await changeConfig(server, revokedConfig);
        await server.restart();
        await witness.failureOf(hasty.watermarks.get('users'), UNAVAILABLE);
        if (wrong !== undefined) {
            await witness.failureOf(open(rightOptions), AUTHENTICATION_FAILED, UNAVAILABLE);
        }

        await server.kill();
        await witness.failureOf(hasty.watermarks.set('users', 'v3'), UNAVAILABLE);
        await witness.failureOf(open({ ...rightOptions, connectTimeoutMs: 300 }), UNAVAILABLE);

        await changeConfig(server, serverConfig);
        await server.restart();
        await context.expect.poll(() => watermarks.get('users').catch(() => null), { timeout: 30_000 }).not.toBeNull();
        await store.close();
        await witness.failureOf(watermarks.get('users'), CLOSED);
        witness.look(store, watermarks, resumeTokens);
        witness.expectNo(secrets);
    });
});

test('what looks for secrets finds them, wherever and however they stand', () => {
    const secret = secretText();
    const bytes = new TextEncoder().encode(secret);
    const holders = [
        new Error(`it is ${secret}`),
        new Error('outer', { cause: new Error('inner', { cause: { deep: [{ deeper: { deepest: [[secret]] } }] } }) }),
        Object.assign(new Error('with a property'), { input: `nats://user:${secret}@host` }),
        Object.defineProperty({}, 'hidden', { value: secret }),
        new Map([['key', new Set([secret])]]),
        { bytes },
        { bytes: Buffer.from(bytes) },
        { authorization: `Basic ${Buffer.from(secret).toString('base64')}` }
    ];
    for (const holder of holders) {
        expect(() => expectNoSecret(holder, [secret])).toThrow('not to contain');
    }
    expectNoSecret({ other: secretText() }, [secret]);
    expect(everythingShownOf(new Error('outer', { cause: { deep: [secret] } }))).toContain(secret);
});
