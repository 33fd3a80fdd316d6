import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { encodeAccount, encodeOperator, encodeUser, fmtCreds, type User } from '@nats-io/jwt';
import { createAccount, createOperator, createUser } from '@nats-io/nkeys';
import { expect } from 'vitest';

/** A new user NKey, as text. */
export function makeNkey(): { readonly publicKey: string; readonly seed: string } {
    const user = createUser();
    return { publicKey: user.getPublicKey(), seed: new TextDecoder().decode(user.getSeed()) };
}

/** A user of a {@link JwtAuthority}. */
export interface JwtUser {
    /** What stands in a credentials file. */
    readonly credentials: string;
    /** What nobody may see. */
    readonly secrets: readonly string[];
}

/** An operator with one account, as a server that resolves accounts from memory knows them. */
export interface JwtAuthority {
    /** What the server's configuration needs. */
    readonly serverConfig: string;
    issue(user?: Partial<User>, expiresAt?: Date): Promise<JwtUser>;
}

/** Makes an operator and an account, whose JetStream is unlimited or not there at all. */
export async function makeJwtAuthority({ jetstream = true } = {}): Promise<JwtAuthority> {
    const operator = createOperator();
    const account = createAccount();
    const system = createAccount();
    const storage = jetstream ? -1 : 0;
    const unlimited = {
        subs: -1,
        conn: -1,
        leaf: -1,
        imports: -1,
        exports: -1,
        data: -1,
        payload: -1,
        wildcards: true
    };
    const operatorJwt = await encodeOperator('operator', operator);
    const accountJwt = await encodeAccount(
        'account',
        account,
        { limits: { ...unlimited, mem_storage: storage, disk_storage: storage, streams: -1, consumer: -1 } },
        { signer: operator }
    );
    const systemJwt = await encodeAccount('system', system, { limits: unlimited }, { signer: operator });
    return {
        serverConfig: `
            operator: "${operatorJwt}"
            system_account: ${system.getPublicKey()}
            resolver: MEMORY
            resolver_preload: {
                ${account.getPublicKey()}: "${accountJwt}"
                ${system.getPublicKey()}: "${systemJwt}"
            }
        `,
        issue: async (user = {}, expiresAt) => {
            const keys = createUser();
            const expiry = expiresAt === undefined ? {} : { exp: Math.floor(expiresAt.getTime() / 1000) };
            const jwt = await encodeUser('watermarks', keys, account, user, expiry);
            const seed = new TextDecoder().decode(keys.getSeed());
            return { credentials: new TextDecoder().decode(fmtCreds(jwt, keys)), secrets: [seed, jwt] };
        }
    };
}

/** A temporary folder, removed at the end. */
export async function makeFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
    const path = await mkdtemp(join(tmpdir(), 'zero-watermark-auth-'));
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Replaces a file at once, as tools that renew credentials do. */
export async function replaceFile(path: string, content: string): Promise<void> {
    await writeFile(`${path}.new`, content, { mode: 0o600 });
    await rename(`${path}.new`, path);
}

/** Everything that a program, a logger or a crash report could show of a value. */
export function everythingShownOf(value: unknown): string {
    const all = {
        depth: Infinity,
        showHidden: true,
        getters: true,
        maxArrayLength: Infinity,
        maxStringLength: Infinity
    };
    const shown = [String(value), inspect(value, all), asJson(value)];
    for (let error = value, depth = 0; error instanceof Error && depth < 10; error = error.cause, depth += 1) {
        shown.push(error.message, error.stack ?? '', asJson(error), asJson(Object.entries(error)));
    }
    return shown.join('\n');
}

function asJson(value: unknown): string {
    try {
        return JSON.stringify(value);
    } catch {
        // It refers to itself, or holds something that JSON has not.
        return '';
    }
}

/** No part of `value`, however it is looked at, holds one of the secrets, as text or as bytes. */
export function expectNoSecret(value: unknown, secrets: readonly string[]): void {
    // Long lists, such as of bytes, are shown in columns.
    const shown = everythingShownOf(value).replaceAll(/\s+/g, ' ');
    for (const secret of secrets) {
        expect(secret.length, 'a secret that is too short is found everywhere').toBeGreaterThan(5);
        for (const form of formsOf(secret)) {
            expect(shown).not.toContain(form);
        }
    }
}

/** How a secret may be shown: as it is, encoded, or as bytes. */
function formsOf(secret: string): string[] {
    const bytes = Buffer.from(secret);
    const hex = bytes.toString('hex');
    return [
        secret,
        JSON.stringify(secret).slice(1, -1),
        encodeURIComponent(secret),
        bytes.toString('base64'),
        bytes.toString('base64url'),
        hex,
        hex.replaceAll(/(..)(?!$)/g, '$1 '),
        [...bytes].join(', '),
        [...bytes].join(',')
    ];
}
