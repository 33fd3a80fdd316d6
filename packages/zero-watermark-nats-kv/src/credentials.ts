import { readFileSync } from 'node:fs';

import type { Authenticator } from '@nats-io/transport-node';
import { credsAuthenticator } from '@nats-io/transport-node';

/** Why a credentials file can't be used, or `undefined`. Names the path, never what is in it. */
export function findCredentialsProblem(path: string): string | undefined {
    let content: string;
    try {
        content = readFileSync(path, 'utf8');
    } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
        return `the file ${JSON.stringify(path)} can't be read (${code})`;
    }
    const hasJwt = /-{3,}\s*BEGIN NATS USER JWT\s*-{3,}\s*[\w-]+\.[\w-]+\.[\w-]+\s*-{3,}/.test(content);
    const hasSeed = /-{3,}\s*BEGIN USER NKEY SEED\s*-{3,}\s*S[A-Z2-7]+\s*-{3,}/.test(content);
    if (hasJwt && hasSeed) {
        return undefined;
    }
    const missing = [!hasJwt && 'a user JWT', !hasSeed && 'a user seed'].filter(part => part !== false).join(' and ');
    return `the file ${JSON.stringify(path)} holds no NATS credentials: ${missing} missing`;
}

/** Authenticates with a credentials file as it is at each connect, so that renewed credentials are picked up. */
export function fileAuthenticator(path: string): Authenticator {
    return credsAuthenticator(() => readFileSync(path));
}
