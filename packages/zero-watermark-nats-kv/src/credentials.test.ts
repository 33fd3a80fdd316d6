import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createUser } from '@nats-io/nkeys';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { expectNoSecret } from '../test/support/auth.js';
import { fileAuthenticator, findCredentialsProblem, findFileProblem } from './credentials.js';

/** A credentials file as NATS's tools write it; only the server looks into the JWT. */
function credentialsWith(jwt: string, seed: string): string {
    return [
        '-----BEGIN NATS USER JWT-----',
        jwt,
        '------END NATS USER JWT------',
        '',
        '************************* IMPORTANT *************************',
        '-----BEGIN USER NKEY SEED-----',
        seed,
        '------END USER NKEY SEED------',
        ''
    ].join('\n');
}

function newSeed(): string {
    return new TextDecoder().decode(createUser().getSeed());
}

let folder: string;
let path: string;
beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'zero-watermark-credentials-'));
    path = join(folder, 'nats.creds');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('findCredentialsProblem', () => {
    test('a good file has none', () => {
        writeFileSync(path, credentialsWith('aa.bb.c-_', newSeed()));
        expect(findCredentialsProblem(path)).toBeUndefined();
    });

    test('line ends of Windows are fine', () => {
        writeFileSync(path, credentialsWith('aa.bb.cc', newSeed()).replaceAll('\n', '\r\n'));
        expect(findCredentialsProblem(path)).toBeUndefined();
        expect(fileAuthenticator(path, () => {})('nonce')).toMatchObject({ jwt: 'aa.bb.cc' });
    });

    test.each([
        ['nothing', '', 'a user JWT and a user seed missing'],
        ['no seed', credentialsWith('aa.bb.cc', ''), 'a user seed missing'],
        ['no JWT', credentialsWith('', 'SUAAAAAA'), 'a user JWT missing'],
        ['a damaged seed', credentialsWith('aa.bb.cc', newSeed().slice(0, -4)), 'its user seed is damaged'],
        [
            'a private key of something else',
            '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
            'a user JWT and a user seed missing'
        ]
    ])('%s', (_, content, problem) => {
        writeFileSync(path, content);
        expect(findCredentialsProblem(path)).toBe(
            `the file ${JSON.stringify(path)} holds no NATS credentials: ${problem}`
        );
    });

    test('no such file, a folder', () => {
        expect(findCredentialsProblem(path)).toBe(`the file ${JSON.stringify(path)} can't be read (ENOENT)`);
        expect(findFileProblem(folder)).toBe(`the file ${JSON.stringify(folder)} can't be read (EISDIR)`);
    });
});

describe('fileAuthenticator', () => {
    test('reads the file at each connect', () => {
        writeFileSync(path, credentialsWith('aa.bb.cc', newSeed()));
        const authenticate = fileAuthenticator(path, () => {});
        expect(authenticate('nonce')).toMatchObject({ jwt: 'aa.bb.cc' });
        const renewed = createUser();
        writeFileSync(path, credentialsWith('dd.ee.ff', new TextDecoder().decode(renewed.getSeed())));
        expect(authenticate('nonce')).toMatchObject({ jwt: 'dd.ee.ff', nkey: renewed.getPublicKey() });
    });

    test.each([
        ['is gone', () => unlinkSync(path)],
        ['is cut off', () => writeFileSync(path, credentialsWith('dd.ee.ff', newSeed()).slice(0, 60))]
    ])('goes on with what it read last when the file %s, and says so without its content', (_, spoil) => {
        const seed = newSeed();
        writeFileSync(path, credentialsWith('aa.bb.cc', seed));
        const problems: string[] = [];
        const authenticate = fileAuthenticator(path, problem => problems.push(problem));
        const before = authenticate('nonce');
        spoil();
        expect(authenticate('nonce')).toEqual(before);
        expect(problems).toEqual([expect.stringContaining(JSON.stringify(path))]);
        expectNoSecret(problems, [seed]);
    });

    test('does not throw when there was never a good file, which would close the connection for good', () => {
        expect(fileAuthenticator(path, () => {})('nonce')).toBeUndefined();
    });
});
