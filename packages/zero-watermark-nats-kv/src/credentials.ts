import { readFileSync } from 'node:fs';

import { type Authenticator, jwtAuthenticator, nkeyAuthenticator } from '@nats-io/transport-node';

interface Credentials {
    readonly jwt: string;
    readonly seed: Uint8Array;
}

/** Why a file can't be read, or `undefined`. Names the path, unless it may be that a secret stands in its place. */
export function findFileProblem(path: string): string | undefined {
    if (looksLikeContent(path)) {
        return 'expected the path of a file, got what seems to be the content of one';
    }
    try {
        readFileSync(path);
        return undefined;
    } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
        // What is there is no secret.
        return looksLikePath(path) || code === 'EACCES' || code === 'EISDIR'
            ? `the file ${JSON.stringify(path)} can't be read (${code})`
            : `expected the path of a file, got a text of ${path.length} characters that is none (${code})`;
    }
}

/** Why a credentials file can't be used, or `undefined`. Names the path, never what is in it. */
export function findCredentialsProblem(path: string): string | undefined {
    const problem = findFileProblem(path);
    if (problem !== undefined) {
        return problem;
    }
    const credentials = parseCredentials(readFileSync(path, 'utf8'));
    return typeof credentials === 'string'
        ? `the file ${JSON.stringify(path)} holds no NATS credentials: ${credentials}`
        : undefined;
}

/**
 * Authenticates with a credentials file as it is at each connect, so that renewed credentials are picked up.
 *
 * An authenticator that throws would make the client close the connection for good, so a file that is just being
 * replaced doesn't: the credentials that were read last are used again, and the server decides.
 *
 * @param onProblem is told when the file could not be used
 */
export function fileAuthenticator(path: string, onProblem: (problem: string) => void): Authenticator {
    let known: Credentials | undefined;
    return nonce => {
        try {
            const credentials = parseCredentials(readFileSync(path, 'utf8'));
            if (typeof credentials !== 'string') {
                known = credentials;
                return authenticate(known, nonce);
            }
        } catch {
            // Told below.
        }
        onProblem(findCredentialsProblem(path) ?? `the file ${JSON.stringify(path)} was just being replaced`);
        return known === undefined ? undefined : authenticate(known, nonce);
    };
}

function authenticate({ jwt, seed }: Credentials, nonce: string | undefined) {
    return jwtAuthenticator(jwt, seed)(nonce);
}

/** What is in a credentials file, or what it lacks. */
function parseCredentials(content: string): Credentials | string {
    const jwt = /-{3,}\s*BEGIN NATS USER JWT\s*-{3,}\s*([\w-]+\.[\w-]+\.[\w-]+)\s*-{3,}/.exec(content)?.[1];
    const seed = /-{3,}\s*BEGIN USER NKEY SEED\s*-{3,}\s*(S[A-Z2-7]+)\s*-{3,}/.exec(content)?.[1];
    if (jwt === undefined || seed === undefined) {
        const missing = [jwt === undefined && 'a user JWT', seed === undefined && 'a user seed'];
        return `${missing.filter(part => part !== false).join(' and ')} missing`;
    }
    const bytes = new TextEncoder().encode(seed);
    try {
        nkeyAuthenticator(bytes)();
    } catch {
        return 'its user seed is damaged';
    }
    return { jwt, seed: bytes };
}

/** Whether it can be told from a password or token: by where it begins, or by the ending of a file's name. */
function looksLikePath(path: string): boolean {
    return /^(~|\.{0,2})[/\\]|^[a-z]:[/\\]|^[^:@=+]*\.(creds|pem|crt|cer|key|ca|nk|jwt|txt)$/i.test(path);
}

/** An environment variable often holds the credentials or the certificate itself, which no message may repeat. */
export function looksLikeContent(path: string): boolean {
    return /[\r\n]|-----BEGIN/.test(path) || /^(S[A-Z2-7]{40,}|eyJ.*)$/.test(path) || path.length > 1_000;
}
