import { connect, headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type NatsKvConfig, openWatermarkStore, type WatermarkService, WatermarkErrorCode } from '../../src/store.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { eventually, recordLog, rejectionOf } from '../support/backends.js';
import { reads } from '../support/calls.js';
import {
    columnOf,
    documentedConfig,
    documentedSubjects,
    type Role,
    roles,
    subjectsInTable,
    userWith
} from '../support/permissions.js';

const { newest, oldest } = natsServers();
const BUCKET = 'zero-watermarks';
/** So many that the server wants a sign in between that they are taken. */
const MANY = 1_500;
const PADDING = { padding: 'x'.repeat(2_000) };

/** With the key that each writes to. */
const writes = {
    set: (service: WatermarkService, key: string) => service.set(key, 'v1'),
    compareAndSet: async (service: WatermarkService, key: string) =>
        service.compareAndSet(key, (await service.get(key))?.revision ?? 1, 'v2'),
    advance: (service: WatermarkService, key: string) => service.advance(key, 'v3'),
    delete: (service: WatermarkService, key: string) => service.delete(key),
    create: (service: WatermarkService, key: string) => service.create(key, 'v1')
};

async function useAll(service: WatermarkService): Promise<void> {
    for (const write of Object.values(writes)) {
        await write(service, 'users');
    }
    await readAll(service);
}

async function readAll(service: WatermarkService): Promise<void> {
    for (const read of Object.values(reads)) {
        await read(service);
    }
}

/** The server denies `subject`, and it doesn't take the whole `timeoutMs` to say so. */
async function expectDenied(call: Promise<unknown>, subject: string | RegExp): Promise<void> {
    const startedAt = performance.now();
    const error = await rejectionOf(call);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(error).toMatchObject({ code: WatermarkErrorCode.PERMISSION_DENIED, retryable: false });
    expect(error.message).toMatch(subject);
}

/** What the server's log says that somebody was not allowed to do. */
function violationsIn(server: NatsServer): string[] {
    return server
        .logs(100_000)
        .split('\n')
        .filter(line => /violation/i.test(line));
}

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    describe('with the configuration of docs/security.md', () => {
        let server: NatsServer;
        const optionsFor = (role: Role): NatsKvConfig => ({
            servers: [server.url],
            bucket: BUCKET,
            user: role,
            pass: `password-of-${role}`,
            connection: { inboxPrefix: `_INBOX_${role}` }
        });
        beforeAll(async () => {
            const passwords = roles.map(role => `${role.toUpperCase()}_PASSWORD: "password-of-${role}"`);
            server = await startNatsServer({ binary, config: `${passwords.join('\n')}\n${documentedConfig}` });
        });
        afterAll(() => server.stop());

        test('who may not create it is told so, with the subject', async () => {
            await expectDenied(openWatermarkStore(optionsFor('writer')), `"$JS.API.STREAM.CREATE.KV_${BUCKET}"`);
        });

        test('an administrator creates the bucket and uses all of the API', async () => {
            await using store = await openWatermarkStore(optionsFor('administrator'));
            await useAll(store.watermarks);
            await store.watermarks.clear();
            await store.watermarks.set('users', 'v1');
            const keys = Array.from({ length: MANY }, (_, index) => `many-${index}`);
            await Promise.all(keys.map(key => store.watermarks.set(key, 'v1', PADDING)));
            await readAll(store.watermarks);
        });

        test.each(['leader', 'any'] as const)(
            'a writer uses all of the API, reading from %s',
            async readConsistency => {
                const before = violationsIn(server).length;
                await using store = await openWatermarkStore({
                    ...optionsFor('writer'),
                    bucketPolicy: 'require',
                    readConsistency
                });
                await store.watermarks.delete('users');
                await useAll(store.watermarks);
                expect((await store.watermarks.getAll()).size).toBe(MANY + 1);
                await store.close();
                expect(violationsIn(server).slice(before)).toEqual([]);
            }
        );

        test('a reader reads everything and writes nothing', async () => {
            const options = { ...optionsFor('reader'), bucketPolicy: 'require' } as const;
            await using store = await openWatermarkStore(options);
            await readAll(store.watermarks);
            for (const [name, write] of Object.entries(writes)) {
                const key = name === 'create' ? 'new' : 'users';
                const writing = name === 'advance' ? store.watermarks.advance(key, 'v9') : write(store.watermarks, key);
                await expectDenied(writing, `"$KV.${BUCKET}.${key}"`);
            }
            await expectDenied(store.watermarks.clear(), `"$KV.${BUCKET}.`);
            expect((await store.watermarks.get('users'))?.version).toBe('v1');
        });

        test('another bucket is denied to everybody', async () => {
            for (const role of roles) {
                const opening = openWatermarkStore({ ...optionsFor(role), bucket: 'other' });
                await expectDenied(opening, '"$JS.API.STREAM.INFO.KV_other"');
            }
        });

        test("another user's inbox is denied", async () => {
            const options = { ...optionsFor('writer'), connection: { inboxPrefix: '_INBOX_reader' } };
            await expectDenied(openWatermarkStore(options), /"_INBOX_reader\.\w+\.>"/);
        });
    });

    test('each documented subject is needed: without it something fails, or is logged', async () => {
        const all = documentedSubjects('writer');
        const without = (part: string) => all.filter(subject => !subject.includes(part));
        const users = [
            userWith('administrator', documentedSubjects('administrator')),
            ...['STREAM.INFO', 'MSG.GET', 'DIRECT.GET', 'CONSUMER.CREATE', 'CONSUMER.DELETE', '$JS.FC'].map(part =>
                userWith(part, without(part))
            )
        ];
        await using server = await startNatsServer({
            binary,
            config: `authorization { users: [${users.join('\n')}] }`
        });
        const logger = recordLog();
        const open = (user: string, options: Partial<NatsKvConfig> = {}) =>
            openWatermarkStore({ servers: [server.url], bucket: BUCKET, user, pass: 'a-password', logger, ...options });
        {
            await using store = await open('administrator');
            await store.watermarks.set('users', 'v1');
            const keys = Array.from({ length: MANY }, (_, index) => `many-${index}`);
            await Promise.all(keys.map(key => store.watermarks.set(key, 'v1', PADDING)));
        }
        await expectDenied(open('STREAM.INFO'), `"$JS.API.STREAM.INFO.KV_${BUCKET}"`);
        {
            await using store = await open('MSG.GET');
            for (const read of Object.values(reads)) {
                await expectDenied(read(store.watermarks), `"$JS.API.STREAM.MSG.GET.KV_${BUCKET}"`);
            }
        }
        {
            await using store = await open('DIRECT.GET', { readConsistency: 'any' });
            await expectDenied(store.watermarks.get('users'), `"$JS.API.DIRECT.GET.KV_${BUCKET}.$KV.${BUCKET}.users"`);
        }
        {
            await using store = await open('CONSUMER.CREATE');
            for (const read of [reads.getAll, reads.watch, reads.watchAll, reads.view]) {
                await expectDenied(read(store.watermarks), `"$JS.API.CONSUMER.CREATE.KV_${BUCKET}.`);
            }
        }
        {
            await using store = await open('CONSUMER.DELETE');
            await readAll(store.watermarks);
            await eventually('the server denies it', () => violationsIn(server).some(line => line.includes('DELETE')));
        }
        expect(logger.errors).toEqual([]);
        {
            await using store = await open('$JS.FC', { timeoutMs: 1_000 });
            await rejectionOf(store.watermarks.getAll());
            expect(logger.errors).toEqual([
                { message: expect.stringContaining(`"$JS.FC.KV_${BUCKET}.`) as string, error: undefined }
            ]);
        }
    });

    test('a user may be limited to some keys', async () => {
        const subjects = documentedSubjects('reader');
        const users = [
            userWith('administrator', documentedSubjects('administrator')),
            userWith('orders', [...subjects, `$KV.${BUCKET}.orders`, `$KV.${BUCKET}.orders.>`])
        ];
        await using server = await startNatsServer({
            binary,
            config: `authorization { users: [${users.join('\n')}] }`
        });
        const options = { servers: [server.url], bucket: BUCKET, pass: 'a-password' };
        await using administrator = await openWatermarkStore({ ...options, user: 'administrator' });
        await using store = await openWatermarkStore({ ...options, user: 'orders' });
        await store.watermarks.set('orders', 'v1');
        await store.watermarks.set('orders.eu', 'v1');
        await expectDenied(store.watermarks.set('users', 'v1'), `"$KV.${BUCKET}.users"`);
        expect([...(await administrator.watermarks.getAll()).keys()]).toEqual(['orders', 'orders.eu']);
    });

    test("what permissions can't do, as documented: writers may empty the bucket, consumers deliver anywhere", async () => {
        const users = [
            ...roles.map(role => userWith(role, documentedSubjects(role))),
            userWith('listener', [], 'commands'),
            userWith('onlooker', [`$JS.API.CONSUMER.NAMES.KV_${BUCKET}`])
        ];
        await using server = await startNatsServer({
            binary,
            config: `authorization { users: [${users.join('\n')}] }`
        });
        const options = { servers: [server.url], bucket: BUCKET, pass: 'a-password' };
        await using store = await openWatermarkStore({ ...options, user: 'administrator' });
        await store.watermarks.set('users', 'v1');
        const [listener, reader, writer] = await Promise.all(
            ['listener', 'reader', 'writer'].map(user => connect({ servers: server.url, user, pass: 'a-password' }))
        );
        const subjects: string[] = [];
        listener?.subscribe('commands', { callback: (_, message) => void subjects.push(message.subject) });
        await listener?.flush();
        const config = { deliver_subject: 'commands', filter_subject: `$KV.${BUCKET}.>`, ack_policy: 'none' };
        await reader?.request(
            `$JS.API.CONSUMER.CREATE.KV_${BUCKET}.elsewhere.$KV.${BUCKET}.>`,
            JSON.stringify({ stream_name: `KV_${BUCKET}`, config: { ...config, deliver_policy: 'all' } })
        );
        await eventually('what the reader may not publish arrives', () => subjects.length > 0);

        // A reader that knows its name may delete the consumer of somebody else's watch, which then makes itself another.
        const seen: string[] = [];
        await store.watermarks.watch('users', watermark => seen.push(watermark.version));
        const onlooker = await connect({ servers: server.url, user: 'onlooker', pass: 'a-password' });
        const listing = await onlooker.request(`$JS.API.CONSUMER.NAMES.KV_${BUCKET}`);
        const { consumers } = listing.json<{ consumers: string[] }>();
        expect(consumers.length).toBeGreaterThan(1);
        for (const name of consumers) {
            const answer = await reader?.request(`$JS.API.CONSUMER.DELETE.KV_${BUCKET}.${name}`);
            expect(answer?.json()).toMatchObject({ success: true });
        }
        await store.watermarks.set('users', 'v2');
        await eventually('the watch sees it nevertheless', () => seen.includes('v2'));
        await onlooker.close();

        const rollup = headers();
        rollup.set('Nats-Rollup', 'all');
        await writer?.request(`$KV.${BUCKET}.orders`, '{}', { headers: rollup, timeout: 2_000 });
        expect(await store.watermarks.get('users')).toBeNull();
        await Promise.all([listener?.close(), reader?.close(), writer?.close()]);
    });
});

test('the table of docs/security.md and its configuration agree', () => {
    for (const role of roles) {
        expect(documentedSubjects(role).sort()).toEqual(subjectsInTable('### Watermarks', columnOf(role)).sort());
        expect(documentedSubjects(role).length).toBeGreaterThan(5);
    }
});
