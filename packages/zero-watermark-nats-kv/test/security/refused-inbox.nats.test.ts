import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openWatermarkStore, WatermarkErrorCode, type WatermarkStore } from '../../src/store.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { eventually, type RecordedLog, recordLog, rejectionOf, uniqueBucket } from '../support/backends.js';
import { reload } from '../support/reload.js';
import { userWith } from '../support/permissions.js';

const { newest, oldest } = natsServers();

/** A user whose inboxes are what is given, and one who may do all. */
function usersWith(inbox: string): string {
    return `authorization { users: [${userWith('service', ['>'], inbox)}, { user: "administrator", password: "a" }] }`;
}

const PERMITTED = usersWith('_INBOX.>');
const REFUSED = usersWith('nothing');
/** Answers come to _INBOX.<id>.<number>, what a watch is told to _INBOX.<id>. */
const ONLY_ANSWERS = usersWith('_INBOX.*.>');

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    let server: NatsServer;
    let store: WatermarkStore;
    let administrator: Administrator;
    let bucket: string;
    let logger: RecordedLog;
    beforeEach(async () => {
        server = await startNatsServer({ binary, config: PERMITTED });
        bucket = uniqueBucket();
        logger = recordLog();
        const user = { user: 'service', pass: 'a-password' };
        store = await openWatermarkStore({ servers: [server.url], bucket, ...user, logger });
        administrator = await Administrator.connect([server.url], { user: 'administrator', pass: 'a' });
    });
    afterEach(async () => {
        await store.close();
        await administrator.nc.close();
        await server.stop();
    });

    async function expectDenied(call: Promise<unknown>): Promise<void> {
        const startedAt = performance.now();
        const error = await rejectionOf(call);
        expect(error).toMatchObject({
            code: WatermarkErrorCode.PERMISSION_DENIED,
            message: expect.stringMatching(/does not permit this user to subscribe to "_INBOX\.\w+\.>"/) as string,
            remediation: expect.stringContaining('inboxPrefix') as string
        });
        expect(performance.now() - startedAt).toBeLessThan(5_000);
    }

    /** How often the server has refused a subscription. */
    const refusals = () => server.logs(100_000).split('Subscription Violation').length - 1;

    test('while the inbox is refused every call says so, and once it is permitted all goes on', async () => {
        const { watermarks, resumeTokens } = store;
        await watermarks.set('users', 'v1');
        const first = await resumeTokens.getOrCreateWatermark('orders', 'position-1');
        await reload(server, REFUSED);

        await expectDenied(watermarks.get('users'));
        await expectDenied(watermarks.set('users', 'v2'));
        await expectDenied(watermarks.create('orders', 'v1'));
        await expectDenied(watermarks.getAll());
        await expectDenied(watermarks.watch('users', () => {}));
        await expectDenied(resumeTokens.getOrCreateWatermark('orders', 'position-2'));
        await expectDenied(resumeTokens.getOrCreateWatermarks('orders', ['position-2', 'position-3']));
        await Promise.all(Array.from({ length: 100 }, (_, index) => expectDenied(watermarks.get(`key-${index}`))));
        expect(logger.errors.map(({ message }) => message)).toEqual([
            expect.stringMatching(/does not permit this user to subscribe to "_INBOX\.\w+\.>".*PERMISSION_DENIED/)
        ]);
        // What is said to be denied has not been sent.
        expect((await administrator.messagesOf(bucket)).map(({ key, version }) => [key, version])).toEqual([
            ['users', 'v1']
        ]);
        expect(await administrator.countOf(`${bucket}-tokens-orders`)).toBe(1);

        await reload(server, PERMITTED);
        expect((await watermarks.get('users'))?.version).toBe('v1');
        await watermarks.set('users', 'v2');
        expect(await resumeTokens.getOrCreateWatermark('orders', 'position-1')).toBe(first);

        await reload(server, REFUSED);
        await expectDenied(watermarks.get('users'));
        expect(logger.errors).toHaveLength(2);
    });

    test('a watch and a view wait for the permission without hurry, and have missed nothing then', async () => {
        const { watermarks } = store;
        await watermarks.set('users', 'v1');
        const seen: string[] = [];
        await watermarks.watch('users', ({ version }) => seen.push(version));
        const view = watermarks.view();
        await view.ready;
        await reload(server, REFUSED);
        await eventually('the view is interrupted', () => view.status === 'interrupted');
        await administrator.put(bucket, 'users', 'v2');
        const before = refusals();
        await new Promise(resolve => setTimeout(resolve, 3_000));
        expect(refusals() - before).toBeLessThan(30);
        expect(seen).toEqual([]);
        expect(logger.errors).toHaveLength(1);

        await reload(server, PERMITTED);
        await eventually('the watch goes on', () => seen.includes('v2'));
        await eventually('the view is live', () => view.status === 'live' && view.get('users')?.version === 'v2');
    });

    test('a watch whose own inbox is refused while it runs says so once, and waits', async () => {
        const { watermarks } = store;
        const seen: string[] = [];
        await watermarks.watch('users', ({ version }) => seen.push(version));
        await reload(server, ONLY_ANSWERS);
        await watermarks.set('users', 'v1');
        await eventually('it is logged', () => logger.errors.length > 0);
        const before = refusals();
        await new Promise(resolve => setTimeout(resolve, 3_000));
        expect(refusals() - before).toBeLessThan(15);
        expect(logger.errors.map(({ message }) => message)).toEqual([
            expect.stringMatching(/^A watch of KV bucket "[^"]+" waits .*subscribe to "_INBOX\.\w+"/)
        ]);
        expect(seen).toEqual([]);
        await reload(server, PERMITTED);
        await eventually('the watch goes on', () => seen.includes('v1'));
    });

    test('an inbox that is refused at a reconnect is subscribed to again at the next one', async () => {
        const { watermarks } = store;
        await watermarks.set('users', 'v1');
        await reload(server, REFUSED);
        await expectDenied(watermarks.get('users'));
        await server.restart();
        await expectDenied(watermarks.get('users'));
        await reload(server, PERMITTED);
        await server.restart();
        expect((await watermarks.get('users'))?.version).toBe('v1');
        await watermarks.set('users', 'v2');
    });

    test('a write whose acknowledgement is refused is not said to be without effect', async () => {
        const { watermarks } = store;
        await watermarks.set('users', 'v1');
        let version = 1;
        let stored = 1;
        let error: unknown;
        const writing = (async () => {
            while (error === undefined) {
                version += 1;
                await watermarks.set('users', `v${version}`).then(
                    () => (stored = version),
                    (reason: unknown) => (error = reason)
                );
            }
        })();
        await reload(server, REFUSED);
        await writing;
        const [kept] = await administrator.messagesOf(bucket);
        // Either it was under way, or the one before it was acknowledged before the permission went.
        expect([
            [WatermarkErrorCode.OUTCOME_UNKNOWN, `v${version}`],
            [WatermarkErrorCode.OUTCOME_UNKNOWN, `v${stored}`],
            [WatermarkErrorCode.PERMISSION_DENIED, `v${stored}`]
        ]).toContainEqual([(error as { code: string }).code, kept?.version]);
    });
});

test('a watch whose own inbox is refused fails, and says which', async () => {
    await using server = await startNatsServer({ binary: newest.path, config: ONLY_ANSWERS });
    const user = { user: 'service', pass: 'a-password' };
    await using store = await openWatermarkStore({ servers: [server.url], bucket: uniqueBucket(), ...user });
    await store.watermarks.set('users', 'v1');
    for (const call of [store.watermarks.watch('users', () => {}), store.watermarks.getAll()]) {
        const error = await rejectionOf(call);
        expect(error).toMatchObject({ code: WatermarkErrorCode.PERMISSION_DENIED });
        expect(error.message).toMatch(/subscribe to "_INBOX\.\w+"/);
    }
    const refusals = () => server.logs(100_000).split('Subscription Violation').length - 1;
    const before = refusals();
    await new Promise(resolve => setTimeout(resolve, 1_000));
    expect(refusals()).toBe(before);
});
