import { describe, expect, test } from 'vitest';

import { configFromEnvironment, InvalidConfigError, rowsConnection } from './config.js';

const schema = { tables: { item: { primaryKey: ['id'], columns: { id: 'string' } } } };
const read = () => JSON.stringify(schema);

describe('the settings', () => {
    test('have defaults', () => {
        expect(configFromEnvironment({ ROWS_SCHEMA: 'schema.json', NATS_USER: '' }, read)).toMatchObject({
            servers: ['nats://127.0.0.1:4222'],
            user: undefined,
            watermarkBucket: 'zero-watermarks',
            watermarkDatabase: undefined,
            rowsBucket: 'rows',
            replicas: 1,
            host: '127.0.0.1',
            port: 4850,
            secret: undefined,
            retainTokens: undefined,
            retainMs: undefined,
            schema
        });
    });

    test('are read', () => {
        const environment = {
            ROWS_SCHEMA: 's',
            NATS_SERVERS: 'nats://a:1, nats://b:2',
            PORT: '0',
            HOST: '::',
            WATERMARKS_DATABASE: 'w.db',
            RETAIN_TOKENS: '0',
            RETAIN_MS: '604800000'
        };
        expect(configFromEnvironment(environment, read)).toMatchObject({
            servers: ['nats://a:1', 'nats://b:2'],
            port: 0,
            host: '::',
            watermarkDatabase: 'w.db',
            retainTokens: 0,
            retainMs: 604_800_000
        });
    });

    test('tell of all problems at once, and of no secret', () => {
        const environment = {
            PORT: '70000',
            NATS_REPLICAS: 'x',
            RETAIN_TOKENS: '-1',
            RETAIN_MS: '1h',
            CHANGE_SOURCE_SECRET: 'hidden',
            NATS_PASSWORD: 'hidden'
        };
        const attempt = () => configFromEnvironment(environment, read);
        expect(attempt).toThrow(InvalidConfigError);
        expect(attempt).toThrow(
            /NATS_REPLICAS[^]*RETAIN_TOKENS[^]*RETAIN_MS[^]*ROWS_SCHEMA: expected the path[^]*PORT/
        );
        expect(attempt).not.toThrow(/hidden/);
    });

    test.each([
        'nats://user:hidden@host:4222',
        'nats//user:hidden:host',
        'nats://user hidden',
        'http://hidden',
        'nats://host:4222?token=hidden',
        ''
    ])('do not repeat a server that is none: %s', server => {
        const attempt = () =>
            configFromEnvironment({ ROWS_SCHEMA: 's', NATS_SERVERS: `nats://fine:4222,${server}` }, read);
        expect(attempt).toThrow('NATS_SERVERS: address 2 is not of the form');
        expect(attempt).not.toThrow(/hidden/);
    });

    test('demand TLS of all servers for tls:// and for an authority, and leave it to them otherwise', () => {
        const tlsOf = (environment: Record<string, string>) =>
            rowsConnection(configFromEnvironment({ ROWS_SCHEMA: 's', ...environment }, read)).tls;
        expect(tlsOf({})).toBeUndefined();
        expect(tlsOf({ NATS_SERVERS: 'nats://a:1,TLS://b:2' })).toEqual({});
        expect(tlsOf({ NATS_CA_FILE: 'ca.pem' })).toEqual({ caFile: 'ca.pem' });
        expect(tlsOf({ NATS_CERT_FILE: 'c.pem', NATS_KEY_FILE: 'c.key' })).toEqual({
            certFile: 'c.pem',
            keyFile: 'c.key'
        });
    });

    test('tell what is wrong with the schema', () => {
        const attempt = (text: string) => () => configFromEnvironment({ ROWS_SCHEMA: 'schema.json' }, () => text);
        expect(attempt('{"tables":{}}')).toThrow('ROWS_SCHEMA (schema.json): expected an object with "tables"');
        expect(attempt('{')).toThrow('ROWS_SCHEMA (schema.json): ');
    });
});
