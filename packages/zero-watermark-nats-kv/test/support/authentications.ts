import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect, credsAuthenticator, nkeyAuthenticator } from '@nats-io/transport-node';

import type { NatsKvOptions } from '../../src/store.js';
import { makeFolder, makeJwtAuthority, makeNkey, replaceFile } from './auth.js';
import { makeCertificates } from './certificates.js';

/** A way to authenticate, with everything that a test of it needs. */
export interface Authentication {
    /** The configuration of a server that takes it, and lets nobody write the key `forbidden`. */
    readonly serverConfig: string;
    /** The configuration of the same server once it doesn't take it any more. */
    readonly revokedConfig: string;
    /** `tls` when the server wants TLS, whose certificate is for `127.0.0.1`. */
    readonly scheme: 'nats' | 'tls';
    /** The options with which a store gets in. */
    readonly right: (url: string) => Promise<Partial<NatsKvOptions>>;
    /** The same with a secret that is wrong; none where the application connects by itself. */
    readonly wrong: ((url: string) => Partial<NatsKvOptions>) | undefined;
    /** Whether the server can be told what this user may not do. */
    readonly hasPermissions: boolean;
    readonly secrets: readonly string[];
}

const denyForbidden = 'permissions: { publish: { deny: ["$KV.*.forbidden"] } }';
const nobody = `authorization { users: [{ user: nobody, password: "${secretText()}" }] }`;

export function secretText(): string {
    return randomBytes(12).toString('hex');
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A user of a server, with a password and nothing else. */
function userConfig(pass: string): string {
    return `authorization { users: [{ user: change-source, password: "${pass}", ${denyForbidden} }] }`;
}

/** Every way to authenticate that there is; `defer` is given what has to be done at the end. */
export const authentications: Readonly<
    Record<string, (defer: (disposable: AsyncDisposable) => void) => Promise<Authentication>>
> = {
    'user and password': async () => {
        const [pass, wrong] = [secretText(), secretText()];
        return {
            serverConfig: userConfig(pass),
            revokedConfig: nobody,
            scheme: 'nats',
            right: async url => ({ servers: [url], user: 'change-source', pass }),
            wrong: url => ({ servers: [url], user: 'change-source', pass: wrong }),
            hasPermissions: true,
            secrets: [pass, wrong]
        };
    },
    token: async () => {
        const [token, wrong] = [secretText(), secretText()];
        return {
            serverConfig: `authorization { token: "${token}" }`,
            revokedConfig: nobody,
            scheme: 'nats',
            right: async url => ({ servers: [url], token }),
            wrong: url => ({ servers: [url], token: wrong }),
            hasPermissions: false,
            secrets: [token, wrong]
        };
    },
    'credentials file': async defer => {
        const [authority, stranger, folder] = await Promise.all([makeJwtAuthority(), makeJwtAuthority(), makeFolder()]);
        defer(folder);
        const [user, other] = await Promise.all([
            authority.issue({ pub: { deny: ['$KV.*.forbidden'] } }),
            stranger.issue()
        ]);
        const [right, wrong] = [join(folder.path, 'right.creds'), join(folder.path, 'wrong.creds')];
        await Promise.all([replaceFile(right, user.credentials), replaceFile(wrong, other.credentials)]);
        return {
            serverConfig: authority.serverConfig,
            revokedConfig: stranger.serverConfig,
            scheme: 'nats',
            right: async url => ({ servers: [url], credentials: right }),
            wrong: url => ({ servers: [url], credentials: wrong }),
            hasPermissions: true,
            secrets: [...user.secrets, ...other.secrets]
        };
    },
    'JWT in an authenticator': async () => {
        const [authority, stranger] = await Promise.all([makeJwtAuthority(), makeJwtAuthority()]);
        const [user, other] = await Promise.all([
            authority.issue({ pub: { deny: ['$KV.*.forbidden'] } }),
            stranger.issue()
        ]);
        const connectionOf = (credentials: string) => ({ authenticator: credsAuthenticator(bytesOf(credentials)) });
        return {
            serverConfig: authority.serverConfig,
            revokedConfig: stranger.serverConfig,
            scheme: 'nats',
            right: async url => ({ servers: [url], connection: connectionOf(user.credentials) }),
            wrong: url => ({ servers: [url], connection: connectionOf(other.credentials) }),
            hasPermissions: true,
            secrets: [...user.secrets, ...other.secrets]
        };
    },
    'NKey seed in an authenticator': async () => {
        const [key, other] = [makeNkey(), makeNkey()];
        const connectionOf = (seed: string) => ({ authenticator: nkeyAuthenticator(bytesOf(seed)) });
        return {
            serverConfig: `authorization { users: [{ nkey: ${key.publicKey}, ${denyForbidden} }] }`,
            revokedConfig: `authorization { users: [{ nkey: ${makeNkey().publicKey} }] }`,
            scheme: 'nats',
            right: async url => ({ servers: [url], connection: connectionOf(key.seed) }),
            wrong: url => ({ servers: [url], connection: connectionOf(other.seed) }),
            hasPermissions: true,
            secrets: [key.seed, other.seed]
        };
    },
    'key of a client certificate': async defer => {
        const certificates = await makeCertificates();
        defer(certificates);
        const { caFile, server, client } = certificates;
        const ca = readFileSync(caFile, 'utf8');
        const cert = readFileSync(client.certFile, 'utf8');
        const key = readFileSync(client.keyFile, 'utf8');
        const tls = `tls: { cert_file: "${server.certFile}", key_file: "${server.keyFile}", ca_file: "${caFile}"`;
        const users = (name: string) => `authorization { users: [{ user: "${name}", ${denyForbidden} }] }`;
        return {
            serverConfig: `${tls}, verify_and_map: true }\n${users('CN=watermarks')}`,
            revokedConfig: `${tls}, verify_and_map: true }\n${users('CN=somebody-else')}`,
            scheme: 'tls',
            right: async url => ({ servers: [url], tls: { ca, cert, key } }),
            // The server does not know who that is.
            wrong: url => ({ servers: [url], tls: { ca, cert: readFileSync(server.certFile, 'utf8'), key } }),
            hasPermissions: true,
            secrets: key.split('\n').filter(line => line.length > 30 && !line.startsWith('---'))
        };
    },
    "the application's own connection": async defer => {
        const pass = secretText();
        return {
            serverConfig: userConfig(pass),
            revokedConfig: nobody,
            scheme: 'nats',
            right: async url => {
                const options = { servers: url, user: 'change-source', pass, ignoreAuthErrorAbort: true };
                const connection = await connect({ ...options, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
                defer({ [Symbol.asyncDispose]: () => connection.close() });
                return { connection };
            },
            wrong: undefined,
            hasPermissions: true,
            secrets: [pass]
        };
    }
};
