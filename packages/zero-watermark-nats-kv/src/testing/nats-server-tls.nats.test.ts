import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { expect, onTestFinished, test } from 'vitest';
import { natsServers } from '../../test/nats-binaries.js';
import { startNatsServer } from './nats-server.js';

const { newest, oldest } = natsServers();

/** One element of ASN.1's DER encoding. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
    const body = Buffer.concat(parts);
    const long = body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
    const length = body.length < 128 ? [body.length] : long;
    return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const ecdsaWithSha256 = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
const commonName = sequence(
    der(0x31, sequence(der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('test'))))
);
/** The extension that makes a certificate good for 127.0.0.1, which the client calls localhost. */
const forLoopback = sequence(
    der(0x06, Buffer.from('551d11', 'hex')),
    der(0x04, sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))))
);

/** A new key and a certificate for 127.0.0.1 that it signed itself. */
function selfSigned(): { key: string; certificate: string } {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const serial = createHash('sha256').update(spki).digest().subarray(0, 8);
    const time = (offsetMs: number): Buffer => {
        const text = new Date(Date.now() + offsetMs).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
        return der(0x18, Buffer.from(text));
    };
    const toBeSigned = sequence(
        der(0xa0, der(0x02, Buffer.from([2]))),
        der(0x02, Buffer.from([1]), serial),
        ecdsaWithSha256,
        commonName,
        sequence(time(-3_600_000), time(3_600_000)),
        commonName,
        spki,
        der(0xa3, sequence(forLoopback))
    );
    const signature = sign('sha256', toBeSigned, privateKey);
    const certificate = sequence(toBeSigned, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
    const lines = certificate.toString('base64').replaceAll(/(.{64})/g, '$1\n');
    return {
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
        certificate: `-----BEGIN CERTIFICATE-----\n${lines.trim()}\n-----END CERTIFICATE-----\n`
    };
}

test.each([newest, oldest])('a server that demands TLS and client certificates gets ready, $version', async binary => {
    const folder = await mkdtemp(join(tmpdir(), 'test-tls-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { key, certificate } = selfSigned();
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    await Promise.all([writeFile(keyFile, key, { mode: 0o600 }), writeFile(certFile, certificate)]);
    const config = `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${certFile}", verify: true }`;

    await using server = await startNatsServer({ binary: binary.path, config });
    const connection = await connect({ servers: server.url, tls: { ca: certificate, cert: certificate, key } });
    expect(connection.info).toMatchObject({ tls_required: true, tls_verify: true });
    await server.restart();
    await connection.close();
});
