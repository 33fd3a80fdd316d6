import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of a certificate and its key, in PEM. */
export interface CertificateFiles {
    readonly certFile: string;
    readonly keyFile: string;
}

/** Certificates for tests, in a temporary folder that is removed with them. */
export interface TestCertificates extends AsyncDisposable {
    /** The authority that signed all but the stranger's. */
    readonly caFile: string;
    /** An authority that signed the stranger's certificate and nothing else. */
    readonly strangerCaFile: string;
    /** For a server at `localhost` and `127.0.0.1`. */
    readonly server: CertificateFiles;
    /** For a server that is somewhere else. */
    readonly otherHost: CertificateFiles;
    /** For a client; its common name is `watermarks`. */
    readonly client: CertificateFiles;
    /** For a client, from the other authority. */
    readonly stranger: CertificateFiles;
}

/** Nothing of the system's own configuration of OpenSSL is wanted. */
const CONFIG = `
[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
[otherHost]
subjectAltName = DNS:nats.example
extendedKeyUsage = serverAuth
[client]
extendedKeyUsage = clientAuth
`;

/**
 * Makes certificates with the `openssl` command (OpenSSL 1.1 or newer, or LibreSSL).
 *
 * @throws {Error} when there is none, saying how to get it.
 */
export async function makeCertificates(): Promise<TestCertificates> {
    const folder = await mkdtemp(join(tmpdir(), 'zero-watermark-certificates-'));
    const remove = () => rm(folder, { recursive: true, force: true });
    try {
        const config = join(folder, 'openssl.conf');
        await writeFile(config, CONFIG);
        const ca = await issue(folder, config, 'authority', 'authority');
        const strangerCa = await issue(folder, config, 'stranger-authority', 'authority');
        const [server, otherHost, client, stranger] = await Promise.all([
            issue(folder, config, 'server', 'server', ca),
            issue(folder, config, 'other-host', 'otherHost', ca),
            issue(folder, config, 'watermarks', 'client', ca),
            issue(folder, config, 'stranger', 'client', strangerCa)
        ]);
        return {
            caFile: ca.certFile,
            strangerCaFile: strangerCa.certFile,
            server,
            otherHost,
            client,
            stranger,
            [Symbol.asyncDispose]: remove
        };
    } catch (error) {
        await remove();
        throw error;
    }
}

/** A certificate with the given extensions, signed by `issuer` or by itself. */
async function issue(
    folder: string,
    config: string,
    name: string,
    extensions: string,
    issuer?: CertificateFiles
): Promise<CertificateFiles> {
    const certFile = join(folder, `${name}.pem`);
    const keyFile = join(folder, `${name}.key`);
    const request = ['-new', '-key', keyFile, '-subj', `/CN=${name}`, '-config', config];
    const validity = ['-days', '2', '-out', certFile];
    await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', keyFile);
    if (issuer === undefined) {
        await openssl('req', '-x509', ...request, '-extensions', extensions, ...validity);
    } else {
        const requestFile = join(folder, `${name}.csr`);
        await openssl('req', ...request, '-out', requestFile);
        const signed = ['-CA', issuer.certFile, '-CAkey', issuer.keyFile, '-set_serial', String(Date.now())];
        await openssl(
            'x509',
            '-req',
            '-in',
            requestFile,
            ...signed,
            '-extfile',
            config,
            '-extensions',
            extensions,
            ...validity
        );
    }
    return { certFile, keyFile };
}

async function openssl(...args: string[]): Promise<void> {
    try {
        await run('openssl', args);
    } catch (cause) {
        if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
            throw new Error(
                'The TLS tests make their certificates with the openssl command, which is not there: ' +
                    'apt-get install openssl, brew install openssl, or the like.',
                { cause }
            );
        }
        throw cause;
    }
}
