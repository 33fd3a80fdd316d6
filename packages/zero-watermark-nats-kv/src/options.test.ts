import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { InvalidOptionsError, isWatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { expectNoSecret, makeNkey } from '../test/support/auth.js';
import { type NatsKvOptions, resolveOptions } from './options.js';

const SECRET = 's3cr3t-w0rd';

/** Options as JavaScript can give them. */
function resolve(options: unknown) {
    return resolveOptions(options as NatsKvOptions);
}

function problemsOf(options: unknown): readonly string[] {
    try {
        resolve(options);
    } catch (error) {
        expect(error).toBeInstanceOf(InvalidOptionsError);
        expect(isWatermarkError(error, WatermarkErrorCode.INVALID_OPTIONS)).toBe(true);
        return error instanceof InvalidOptionsError ? error.problems : [];
    }
    return [];
}

function errorOf(options: unknown): unknown {
    try {
        resolve(options);
    } catch (error) {
        return error;
    }
    throw new Error('The options were accepted.');
}

const good = { servers: ['nats://localhost:4222'], bucket: 'zero-watermarks' };
/** The part of a connection by which the options tell it from options for one. */
const connection = {
    request: () => {},
    subscribe: () => {},
    isClosed: () => false
} as unknown as NatsConnection;

describe('what is resolved', () => {
    test('servers and a bucket suffice', () => {
        expect(resolve(good)).toMatchObject({
            connection: {
                kind: 'own',
                servers: ['nats://localhost:4222'],
                name: 'zero-watermark-nats-kv',
                tls: undefined
            },
            bucket: 'zero-watermarks',
            bucketPolicy: 'create',
            replicas: 1,
            history: 1,
            storage: 'file',
            ttlMs: 0,
            strict: false,
            readConsistency: 'leader',
            timeoutMs: 15_000,
            connectTimeoutMs: 20_000
        });
    });

    test('it is frozen, and later changes of the options do not reach it', () => {
        const options = { ...good, servers: ['a:1'] };
        const resolved = resolve(options);
        options.servers.push('b:2');
        expect(Object.isFrozen(resolved)).toBe(true);
        expect(resolved.connection).toMatchObject({ servers: ['a:1'] });
    });

    test.each([
        'nats://localhost:4222',
        'nats://localhost',
        'localhost:4222',
        'localhost',
        'nats://[::1]:4222',
        'NATS://h:1',
        'nats://h:1/'
    ])('the address %s is taken', server => {
        expect(problemsOf({ ...good, servers: [server] })).toEqual([]);
    });

    test.each(['tls://nats.example:4222', 'TLS://nats.example:4222'])('%s means that TLS is a must', server => {
        expect(resolve({ ...good, servers: ['nats://other:4222', server] }).connection).toMatchObject({ tls: {} });
    });

    test('options that are undefined count as left out, as config.get() gives them', () => {
        const options = {
            ...good,
            credentials: undefined,
            token: undefined,
            user: undefined,
            pass: undefined,
            replicas: undefined
        };
        expect(resolve(options)).toMatchObject({ replicas: 1, connection: { token: undefined } });
        expect(resolve({ ...good, token: SECRET, connection: { authenticator: undefined } })).toBeDefined();
    });

    test('an existing connection takes the place of servers', () => {
        expect(resolve({ bucket: 'b', connection }).connection).toEqual({ kind: 'existing', connection });
    });
});

describe('what is refused', () => {
    test('all problems are reported together, each with the name of its option', () => {
        const problems = problemsOf({
            bucket: 'has.dots',
            servers: [],
            replicas: 7,
            history: 0,
            storage: 'disk',
            bucketPolicy: 'delete',
            readConsistency: 'all',
            timeoutMs: 1,
            connectTimeoutMs: '20s',
            ttlMs: -1,
            maxValueSizeBytes: 1.5,
            placement: { clusters: 'x' },
            logger: {},
            name: '',
            tls: true,
            pass: '',
            strict: 'yes',
            nonsense: 1
        });
        const named = problems.map(problem => problem.split(':')[0]);
        expect(named).toEqual([
            ...['bucket', 'servers', 'replicas', 'history', 'storage', 'bucketPolicy', 'readConsistency', 'timeoutMs'],
            ...['connectTimeoutMs', 'ttlMs', 'maxValueSizeBytes', 'placement', 'logger', 'name', 'tls', 'pass'],
            ...['strict', 'nonsense', 'pass']
        ]);
    });

    test('strict and what it refuses do not go together', () => {
        expect(problemsOf({ ...good, strict: true, storage: 'memory' })).toEqual([
            'strict: refuses the storage "memory", which is asked for; leave one of them out'
        ]);
        expect(resolve({ ...good, strict: true, storage: 'file' })).toMatchObject({ strict: true });
    });

    test('the message lists all of them', () => {
        const error = errorOf({ servers: ['ftp://x'], bucket: 'a b' });
        expect(error).toBeInstanceOf(InvalidOptionsError);
        expect(String(error)).toContain('2 problems');
        expect(String(error)).toContain('\n  - servers: [0] has another scheme');
        expect(String(error)).toContain(
            '\n  - bucket: expected 1 to 200 letters, digits, "-" or "_", got a text of 3 characters with " " in it'
        );
    });

    test.each([
        [undefined, 'expected an object with options, got undefined'],
        [null, 'expected an object with options, got null'],
        ['nats://localhost', 'expected an object with options, got string']
    ])('%j instead of options', (options, problem) => {
        expect(problemsOf(options)).toEqual([problem]);
    });

    test('nothing at all: what is missing is said with an example', () => {
        expect(problemsOf({ servers: undefined, bucket: undefined })).toEqual([
            'bucket: is missing; expected the name of a KV bucket, for example "zero-watermarks"',
            'servers: are missing; expected a list such as ["nats://localhost:4222"]'
        ]);
    });

    test('an unknown option, with those that there are', () => {
        expect(problemsOf({ ...good, pasword: SECRET })).toEqual([
            expect.stringMatching(/^pasword: is unknown; .*\bpass\b/)
        ]);
    });

    test('names that every object has are unknown options like others', () => {
        const options: unknown = JSON.parse(`{"servers":["h"],"bucket":"b","constructor":"${SECRET}","__proto__":1}`);
        expect(problemsOf(options).map(problem => problem.split(';')[0])).toEqual([
            'constructor: is unknown',
            '__proto__: is unknown'
        ]);
        expectNoSecret(errorOf(options), [SECRET]);
    });

    test.each([
        [{ token: SECRET, user: 'u', pass: SECRET }, 'token, user/pass'],
        [{ token: SECRET, connection: { authenticator: () => {} } }, 'token, connection.authenticator'],
        [{ user: 'u', pass: SECRET, connection: { authenticator: () => {} } }, 'user/pass, connection.authenticator']
    ])('two ways to authenticate, %#', (auth, kinds) => {
        expect(problemsOf({ ...good, ...auth })).toEqual([
            `${kinds}: exclude each other; expected one way to authenticate`
        ]);
        expectNoSecret(errorOf({ ...good, ...auth }), [SECRET]);
    });

    test('half of user and password', () => {
        expect(problemsOf({ ...good, pass: SECRET })).toEqual(['pass: is there without user']);
        expect(problemsOf({ ...good, user: 'u' })).toEqual(['user: is there without pass']);
    });

    test.each(['servers', 'token', 'user', 'pass', 'tls', 'name'])('%s inside of connection', name => {
        expect(problemsOf({ ...good, connection: { [name]: SECRET } })).toEqual([
            `connection: ${name} belong one level up, beside connection`
        ]);
    });

    test('what makes no sense beside an existing connection', () => {
        const options = {
            bucket: 'b',
            connection,
            servers: ['h'],
            token: SECRET,
            user: 'u',
            pass: SECRET,
            tls: {},
            name: 'n'
        };
        expect(problemsOf(options).map(problem => problem.split(':')[0])).toEqual([
            'servers',
            'token',
            'user',
            'pass',
            'tls',
            'name'
        ]);
        expectNoSecret(errorOf(options), [SECRET]);
    });

    test('a connection that is closed already', () => {
        expect(problemsOf({ bucket: 'b', connection: { ...connection, isClosed: () => true } })).toEqual([
            'connection: the connection that was passed in is closed'
        ]);
    });

    test.each(['has spaces', 'a.*', 'a.>', '', 'a.', '.a', 5])('the inbox prefix %j', inboxPrefix => {
        expect(problemsOf({ ...good, connection: { inboxPrefix } })).toEqual([
            expect.stringMatching(/^connection: inboxPrefix: expected a subject without wildcards/)
        ]);
    });

    test.each([
        { rejectUnauthorized: false },
        { rejectUnauthorized: 0 },
        { rejectUnauthorized: null },
        { checkServerIdentity: () => undefined }
    ])('turning the verification of certificates off, %o', tls => {
        expect(problemsOf({ ...good, tls })).toEqual([
            expect.stringContaining('tls: certificates of servers are always verified')
        ]);
    });

    test.each(['secureContext', 'servername', 'socket', 'session', 'minVersion'])(
        "%s: an option of Node's TLS that the client would hand on",
        name => {
            expect(problemsOf({ ...good, tls: { [name]: {} } })).toEqual([
                expect.stringContaining(`tls: ${name}: is unknown; expected one of caFile,`)
            ]);
        }
    );

    test('certificates that are no PEM', () => {
        const [problem] = problemsOf({ ...good, tls: { ca: './ca.pem', handshakeFirst: 'yes' } });
        expect(problem).toContain('ca: expected the content of a PEM file; caFile takes its path');
        expect(problem).toContain('handshakeFirst: expected true or false');
    });

    test.each(['seed', ['seed'], {}, [undefined]])('an authenticator that is none: %j', authenticator => {
        expect(problemsOf({ ...good, connection: { authenticator } })).toEqual([
            expect.stringContaining('connection: authenticator: expected a function')
        ]);
    });

    test('files for TLS that are not there, and half of a client certificate', () => {
        const [problem] = problemsOf({ ...good, tls: { caFile: '/no/ca.pem', certFile: '/no/cert.pem' } });
        expect(problem).toContain('caFile: the file "/no/ca.pem" can\'t be read (ENOENT)');
        expect(problem).toContain('certFile: the file "/no/cert.pem" can\'t be read (ENOENT)');
        expect(problem).toContain('go together');
    });
});

describe('secrets are never repeated', () => {
    let folder: string;
    beforeAll(() => {
        folder = mkdtempSync(join(tmpdir(), 'zero-watermark-options-'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test.each([
        `nats://user:${SECRET}@localhost:4222`,
        `nats://${SECRET}@localhost:4222`,
        `tls://user:${SECRET}@localhost`,
        `user:${SECRET}@localhost:4222`,
        `nats://user:${SECRET}@`,
        `nats:/user:${SECRET}@localhost`,
        `nats//user:${SECRET}@localhost`,
        `http://user:${SECRET}@localhost`,
        `nats://user:${SECRET}:localhost:4222`,
        `nats://user:${SECRET}%40localhost:4222`,
        `nats://user ${SECRET} localhost`,
        `nats://localhost:4222?token=${SECRET}`,
        `nats://localhost:4222#${SECRET}`,
        `nats://localhost:4222/${SECRET}`,
        `${SECRET}://localhost`
    ])('in an address, %#', server => {
        const options = { ...good, servers: ['nats://fine:4222', server] };
        expect(problemsOf(options)).toEqual([expect.stringMatching(/^servers: \[1\] /)]);
        expectNoSecret(errorOf(options), [SECRET]);
    });

    test('in a text where a list of servers should be', () => {
        const options = { ...good, servers: `nats://user:${SECRET}@localhost:4222` };
        expect(problemsOf(options)).toEqual([expect.stringMatching(/^servers: expected a list/)]);
        expectNoSecret(errorOf(options), [SECRET]);
    });

    test.each([
        ['token', { token: [SECRET] }],
        ['user', { user: { name: SECRET }, pass: 'x' }],
        ['pass', { user: 'u', pass: { value: SECRET } }],
        ['credentials', { credentials: { file: SECRET } }],
        ['connection', { connection: { pass: SECRET } }],
        ['tls', { tls: [SECRET] }],
        ['a server', { servers: [{ url: SECRET }] }]
    ])('in %s of another type', (_, options) => {
        expect(problemsOf({ ...good, ...options }).length).toBeGreaterThan(0);
        expectNoSecret(errorOf({ ...good, ...options }), [SECRET]);
    });

    const everyOption = [
        ...['servers', 'bucket', 'credentials', 'token', 'user', 'pass', 'tls', 'name', 'bucketPolicy', 'replicas'],
        ...['history', 'storage', 'maxValueSizeBytes', 'ttlMs', 'placement', 'strict', 'readConsistency', 'timeoutMs'],
        ...['connectTimeoutMs', 'retainTokens', 'retainMs', 'compareResumeTokens', 'connection', 'logger', 'other']
    ];
    const misplaced = [
        SECRET,
        `nats://user:${SECRET}@localhost:4222`,
        `${SECRET}.${SECRET} ${SECRET}/${SECRET}`,
        [SECRET],
        [{ value: SECRET }],
        { value: SECRET },
        { authenticator: SECRET, inboxPrefix: `${SECRET}.*` },
        { inboxPrefix: `${SECRET}.*` },
        { authenticator: [SECRET] },
        { cluster: [SECRET], tags: SECRET },
        { caFile: SECRET },
        { certFile: SECRET, keyFile: SECRET },
        { cert: SECRET, key: SECRET },
        { ca: [SECRET] },
        { handshakeFirst: SECRET },
        { minVersion: SECRET, passphrase: 123_456_789 }
    ];
    test.each(everyOption.flatMap(name => misplaced.map(value => [name, value] as const)))(
        'in the wrong option: %s, %j',
        (name, value) => {
            const options = { ...good, [name]: value };
            if (problemsOf(options).length > 0) {
                expectNoSecret(errorOf(options), [SECRET, '123456789']);
            }
        }
    );

    test('the options that are looked at there are all that there are', () => {
        const [problem = ''] = problemsOf({ ...good, other: 1 });
        expect(everyOption.filter(name => name !== 'other').sort()).toEqual(
            problem
                .replace(/^.*expected one of /, '')
                .split(', ')
                .sort()
        );
    });

    test('in a credentials file that is malformed; its path is named', () => {
        const path = join(folder, 'nats.creds');
        writeFileSync(path, `-----BEGIN NATS USER JWT-----\n${SECRET}\n------END NATS USER JWT------\n`);
        const options = { ...good, credentials: path };
        expect(problemsOf(options)).toEqual([
            `credentials: the file ${JSON.stringify(path)} holds no NATS credentials: a user JWT and a user seed missing`
        ]);
        expectNoSecret(errorOf(options), [SECRET]);
    });

    const { seed } = makeNkey();
    test.each([
        seed,
        `${Buffer.from('{"typ":"JWT"}').toString('base64url')}.e30.c2lnbmF0dXJl`,
        `-----BEGIN NATS USER JWT-----\neyJ0eX\n------END NATS USER JWT------\n${seed}`,
        `${seed}\n`,
        seed.repeat(30)
    ])('when the credentials themselves stand where their path should, %#', credentials => {
        const options = { ...good, credentials };
        expect(problemsOf(options)).toEqual([
            'credentials: expected the path of a file, got what seems to be the content of one'
        ]);
        expectNoSecret(errorOf(options), [credentials, seed]);
    });
});
