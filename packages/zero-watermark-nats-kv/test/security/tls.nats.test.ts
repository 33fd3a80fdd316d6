import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type NatsKvConfig, openWatermarkStore, WatermarkErrorCode } from '../../src/store.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { rejectionOf, uniqueBucket } from '../support/backends.js';
import { type CertificateFiles, makeCertificates, type TestCertificates } from '../support/certificates.js';

const { newest, oldest } = natsServers();

let certificates: TestCertificates;
beforeAll(async () => {
    certificates = await makeCertificates();
});
afterAll(() => certificates[Symbol.asyncDispose]());

/** A server's configuration with TLS. */
function tlsConfig({ certFile, keyFile }: CertificateFiles, more = ''): string {
    return `tls: { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${certificates.caFile}"${more} }`;
}

/** Opens a store over TLS, uses it and closes it. */
async function useStore(server: NatsServer, options: Partial<NatsKvConfig>): Promise<string | undefined> {
    const servers = [`tls://127.0.0.1:${server.port}`];
    await using store = await openWatermarkStore({ servers, bucket: uniqueBucket(), ...options });
    await store.watermarks.set('users', 'v1');
    return (await store.watermarks.get('users'))?.version;
}

/** No secure connection could be made, for `reason`; it is said at once and not when the time is over. */
async function expectInsecure(server: NatsServer, options: Partial<NatsKvConfig>, reason: RegExp): Promise<void> {
    const startedAt = performance.now();
    const error = await rejectionOf(useStore(server, { connectTimeoutMs: 15_000, ...options }));
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
    expect(error.message).toMatch(
        /^No secure connection to the NATS server \(\w+:\/\/127\.0\.0\.1:\d+\) could be made: /
    );
    expect(error.message).toMatch(reason);
}

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    describe('TLS', () => {
        let server: NatsServer;
        beforeAll(async () => {
            server = await startNatsServer({ binary, config: tlsConfig(certificates.server) });
        });
        afterAll(() => server.stop());

        test.each(['tls', 'nats'])('works with the authority, at %s://', async scheme => {
            const servers = [`${scheme}://127.0.0.1:${server.port}`];
            expect(await useStore(server, { servers, tls: { caFile: certificates.caFile } })).toBe('v1');
        });

        test('works again after a restart of the server', async () => {
            const servers = [`tls://127.0.0.1:${server.port}`];
            const tls = { caFile: certificates.caFile };
            await using store = await openWatermarkStore({ servers, bucket: uniqueBucket(), tls });
            await store.watermarks.set('users', 'v1');
            await server.restart();
            expect((await store.watermarks.get('users'))?.version).toBe('v1');
        });

        test('is refused without the authority, and with another', async () => {
            await expectInsecure(server, {}, /unable to verify/);
            await expectInsecure(server, { tls: { caFile: certificates.strangerCaFile } }, /unable to verify/);
        });

        test('is refused without the authority at nats:// too: what the server offers is used and verified', async () => {
            await expectInsecure(server, { servers: [server.url.replace('tls:', 'nats:')] }, /unable to verify/);
        });

        test('is refused when the server has no handshakeFirst', async () => {
            const tls = { caFile: certificates.caFile, handshakeFirst: true };
            await expectInsecure(server, { tls }, /wrong version number|packet length/);
        });

        test('is refused when certificate and key of the client do not belong together', async () => {
            const { certFile } = certificates.client;
            const { keyFile } = certificates.stranger;
            await expectInsecure(
                server,
                { tls: { caFile: certificates.caFile, certFile, keyFile } },
                /key values mismatch/
            );
        });
    });

    test('a certificate for another host is refused', async () => {
        await using server = await startNatsServer({ binary, config: tlsConfig(certificates.otherHost) });
        await expectInsecure(server, { tls: { caFile: certificates.caFile } }, /altnames: DNS:nats\.example/);
    });

    test('handshakeFirst where the server has it', async () => {
        const config = tlsConfig(certificates.server, ', handshake_first: true');
        await using server = await startNatsServer({ binary, config });
        expect(await useStore(server, { tls: { caFile: certificates.caFile, handshakeFirst: true } })).toBe('v1');
    });

    test.each(['tls', 'TLS'])(
        '%s:// is refused by a server without TLS, before anything secret is sent',
        async scheme => {
            await using server = await startNatsServer({ binary, config: 'authorization { token: "some-token" }' });
            const servers = [`${scheme}://127.0.0.1:${server.port}`];
            await expectInsecure(server, { servers, token: 'some-token' }, /the server offers no TLS/);
            await expectInsecure(
                server,
                { servers: [server.url], token: 'some-token', tls: {} },
                /the server offers no TLS/
            );
            expect(server.logs(1_000)).not.toMatch(/authentication error/i);
        }
    );

    test('mutual TLS: the client shows a certificate, or gets no connection', async () => {
        const config = tlsConfig(certificates.server, ', verify: true');
        await using server = await startNatsServer({ binary, config });
        const { caFile, client, stranger } = certificates;
        expect(await useStore(server, { tls: { caFile, ...client } })).toBe('v1');
        for (const tls of [{ caFile }, { caFile, ...stranger }]) {
            const startedAt = performance.now();
            const error = await rejectionOf(useStore(server, { tls, connectTimeoutMs: 1_500 }));
            expect(performance.now() - startedAt).toBeLessThan(2_500);
            expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
            expect(error.message).toContain('No NATS server answered within 1500 ms');
            expect(error.message).toContain('refuses the client certificate (certFile, keyFile)');
        }
    });

    test('mutual TLS that also says who the client is', async () => {
        const config = `
            ${tlsConfig(certificates.server, ', verify_and_map: true')}
            authorization { users: [{ user: "CN=watermarks" }] }
        `;
        await using server = await startNatsServer({ binary, config });
        expect(await useStore(server, { tls: { caFile: certificates.caFile, ...certificates.client } })).toBe('v1');
    });
});
