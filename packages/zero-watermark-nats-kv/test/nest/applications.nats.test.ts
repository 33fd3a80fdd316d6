import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { eventually, uniqueBucket } from '../support/backends.js';
import { connectionsOf } from '../support/monitor.js';
import { installWithNest, NestApp, type NestInstallation, type NestMajor } from '../../../../test/support/nest.js';

const STORED_IN_ALL_HOOKS = [
    'onModuleDestroy: stored',
    'beforeApplicationShutdown: stored',
    'onApplicationShutdown: stored'
];

describe.each<NestMajor>([11, 12])('the built package under NestJS %i', major => {
    let server: NatsServer;
    let installation: NestInstallation;
    beforeAll(async () => {
        [server, installation] = await Promise.all([
            startNatsServer({ binary: natsServers().newest.path }),
            installWithNest(major, {
                name: 'zero-watermark-nats-kv',
                dependencies: ['@nats-io/transport-node'],
                app: new URL('../support/nest-package.mjs', import.meta.url)
            })
        ]);
    });
    afterAll(async () => {
        await Promise.all([server.stop(), installation[Symbol.asyncDispose]()]);
    });

    const noConnectionIsLeft = async () => {
        await expect.poll(() => connectionsOf(server), { timeout: 5_000 }).toEqual([]);
    };

    test.each(['forRoot', 'useFactory', 'useClass', 'useExisting'])(
        '%s: the service is there in a module that imports nothing, and app.close() closes the connection',
        async scenario => {
            const options = { servers: [server.url], bucket: uniqueBucket() };
            const { app, failure } = await NestApp.start(installation, scenario, options);
            await using _ = app;
            expect(failure).toBeUndefined();
            expect(await app.ask('nestVersion')).toMatch(new RegExp(`^${major}\\.`));
            expect(await app.ask('isWatermarkService')).toBe(true);
            await app.ask('set', 'users', 'v1');
            expect(await app.ask('get', 'users')).toMatchObject({ key: 'users', version: 'v1' });
            expect(await connectionsOf(server)).toMatchObject([{ name: 'zero-watermark-nats-kv' }]);
            // Without enableShutdownHooks, and twice at a time.
            expect(await app.ask('close')).toEqual(expect.arrayContaining(STORED_IN_ALL_HOOKS));
            await noConnectionIsLeft();
            // Nothing is left that keeps the process alive.
            expect(await app.ended()).toEqual({ code: 0, signal: null });
        }
    );

    test('SIGTERM closes the connection when shutdown hooks are enabled', async () => {
        const bucket = uniqueBucket();
        const options = { servers: [server.url], bucket };
        const { app } = await NestApp.start(installation, 'forRoot', options);
        await using _ = app;
        await app.ask('enableShutdownHooks');
        await app.ask('watch', 'users');
        app.signal('SIGTERM');
        // Nest ends the process with the signal once its hooks have run.
        expect(await app.ended()).toEqual({ code: null, signal: 'SIGTERM' });
        await noConnectionIsLeft();
        await using other = (await NestApp.start(installation, 'forRoot', options)).app;
        for (const hook of ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown']) {
            expect(await other.ask('get', hook)).toMatchObject({ key: hook, version: 'v1' });
        }
    });

    test('two applications see what the other one writes', async () => {
        const options = { servers: [server.url], bucket: uniqueBucket() };
        const [{ app: one }, { app: two }] = await Promise.all([
            NestApp.start(installation, 'forRoot', options),
            NestApp.start(installation, 'useFactory', options)
        ]);
        await using _one = one;
        await using _two = two;
        await two.ask('watch', 'users');
        await one.ask('set', 'users', 'v1');
        expect(await two.ask('get', 'users')).toMatchObject({ version: 'v1' });
        await two.ask('set', 'users', 'v2');
        expect(await one.ask('get', 'users')).toMatchObject({ version: 'v2' });
        await eventually('the watch tells of both', () => two.seen.length === 2);
        expect(two.seen.map(({ version }) => version)).toEqual(['v1', 'v2']);
    });

    test.each([false, true])('an existing connection is left open (modules told apart by hash: %s)', async deepHash => {
        const options = { servers: [server.url], bucket: uniqueBucket(), deepHash };
        const { app, failure } = await NestApp.start(installation, 'existingConnection', options);
        await using _ = app;
        expect(failure).toBeUndefined();
        await app.ask('set', 'users', 'v1');
        await app.ask('close');
        expect(await connectionsOf(server)).toMatchObject([{ name: 'of the application' }]);
    });

    describe('a start that fails', () => {
        const expectFailure = async (scenario: string, options: object, code: string, message: string) => {
            const { app, failure } = await NestApp.start(installation, scenario, options);
            await using _ = app;
            expect(failure).toMatchObject({ code });
            expect(failure?.message).toContain(message);
            // Nothing keeps the process alive, so no connection is left either.
            expect(await app.ended()).toEqual({ code: 0, signal: null });
            await noConnectionIsLeft();
        };

        test('a bucket that is missing under require', async () => {
            const options = { servers: [server.url], bucket: 'never-made', bucketPolicy: 'require' };
            await expectFailure('forRoot', options, 'ERR_WATERMARK_BUCKET_NOT_FOUND', 'nats kv add never-made');
        });

        test('a server that cannot be reached', async () => {
            const options = { servers: ['nats://127.0.0.1:1'], bucket: 'b', connectTimeoutMs: 300 };
            await expectFailure(
                'forRoot',
                options,
                'ERR_WATERMARK_UNAVAILABLE',
                'at nats://127.0.0.1:1 (connection refused)'
            );
        });

        test('a factory that finds nothing configured', async () => {
            await expectFailure('useFactory', {}, 'ERR_WATERMARK_INVALID_OPTIONS', '2 problems');
        });

        test('a factory without a result', async () => {
            const message = 'expected an object with options, got undefined';
            await expectFailure('useFactoryWithoutResult', {}, 'ERR_WATERMARK_INVALID_OPTIONS', message);
        });

        test('forRoot with wrong options, forRootAsync with nothing', async () => {
            await expectFailure('forRoot', { bucket: 'a b' }, 'ERR_WATERMARK_INVALID_OPTIONS', '2 problems');
            const message = 'expected exactly one of useFactory, useClass and useExisting, got 0';
            await expectFailure('nothing', {}, 'ERR_WATERMARK_INVALID_OPTIONS', message);
        });
    });
});
