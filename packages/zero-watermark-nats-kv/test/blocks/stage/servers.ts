import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { encodeAccount, encodeOperator, encodeUser, fmtCreds } from '@nats-io/jwt';
import { createAccount, createOperator, createUser } from '@nats-io/nkeys';

import { startNatsServer, type NatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';

import { makeCertificates, type TestCertificates } from '../../support/certificates.js';

/** What a server asks of its clients. The secrets are those that the documents show. */
export type ServerKind = 'open' | 'password' | 'token' | 'credentials' | 'tls';

/** Real servers, one of a kind, started when the first block asks for it. */
export class Servers implements AsyncDisposable {
    readonly #folder = mkdtempSync(join(tmpdir(), 'zero-blocks-servers-'));
    readonly #started = new Map<ServerKind, Promise<NatsServer>>();

    #certificates: TestCertificates | undefined;

    /** The credentials file that the server of kind `credentials` takes. */
    readonly credentialsPath = join(this.#folder, 'nats.creds');

    /** What stands in the documents for a file, and the file that the servers here take. */
    get files(): readonly (readonly [string, string])[] {
        const { caFile, client } = this.#certificates ?? {};
        return [
            ['./config/nats.creds', this.credentialsPath],
            ['./nats.creds', this.credentialsPath],
            ['./ca.pem', caFile ?? ''],
            ['./client.pem', client?.certFile ?? ''],
            ['./client.key', client?.keyFile ?? '']
        ];
    }

    start(kind: ServerKind): Promise<NatsServer> {
        let server = this.#started.get(kind);
        if (server === undefined) {
            server = this.#configOf(kind).then(config => startNatsServer({ config }));
            this.#started.set(kind, server);
        }
        return server;
    }

    async [Symbol.asyncDispose](): Promise<void> {
        const servers = await Promise.allSettled(this.#started.values());
        await Promise.all(servers.flatMap(server => (server.status === 'fulfilled' ? [server.value.stop()] : [])));
        await this.#certificates?.[Symbol.asyncDispose]();
        rmSync(this.#folder, { recursive: true, force: true });
    }

    async #configOf(kind: ServerKind): Promise<string> {
        switch (kind) {
            case 'open':
                return '';
            case 'password':
                return 'authorization { user: myuser, password: mypassword }';
            case 'token':
                return 'authorization { token: my-secret-token }';
            case 'credentials':
                return this.#operatorMode();
            case 'tls':
                return this.#mutualTls();
        }
    }

    async #mutualTls(): Promise<string> {
        this.#certificates = await makeCertificates();
        const { caFile, server } = this.#certificates;
        const files = { cert_file: server.certFile, key_file: server.keyFile, ca_file: caFile };
        return `tls ${JSON.stringify({ ...files, verify: true })}`;
    }

    /** An operator, an account and a user made for this run; the user's file is written where the blocks look for it. */
    async #operatorMode(): Promise<string> {
        const [operator, system, account, user] = [createOperator(), createAccount(), createAccount(), createUser()];
        const operatorJwt = await encodeOperator('test', operator, { system_account: system.getPublicKey() });
        const systemJwt = await encodeAccount('SYS', system, {}, { signer: operator });
        const unlimited = { conn: -1, subs: -1, data: -1, payload: -1 };
        const limits = { ...unlimited, disk_storage: -1, mem_storage: -1, streams: -1, consumer: -1 };
        const accountJwt = await encodeAccount('APP', account, { limits }, { signer: operator });
        const userJwt = await encodeUser('app', user, account, {});
        writeFileSync(this.credentialsPath, fmtCreds(userJwt, user), { mode: 0o600 });
        return [
            `operator: ${operatorJwt}`,
            `system_account: ${system.getPublicKey()}`,
            'resolver: MEMORY',
            'resolver_preload: {',
            `  ${system.getPublicKey()}: ${systemJwt}`,
            `  ${account.getPublicKey()}: ${accountJwt}`,
            '}'
        ].join('\n');
    }
}
