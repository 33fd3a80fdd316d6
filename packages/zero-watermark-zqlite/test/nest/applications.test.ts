import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { installWithNest, NestApp, type NestInstallation, type NestMajor } from '../../../../test/support/nest.js';
import { eventually, Place } from '../support/place.js';

const STORED_IN_ALL_HOOKS = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'].map(
    hook => `${hook}: stored`
);

describe.each<NestMajor>([11, 12])('the built package under NestJS %i', major => {
    let installation: NestInstallation;
    beforeAll(async () => {
        installation = await installWithNest(major, {
            name: 'zero-watermark-zqlite',
            dependencies: ['@rocicorp/zero-sqlite3'],
            app: new URL('../support/nest-package.mjs', import.meta.url)
        });
    });
    afterAll(() => installation[Symbol.asyncDispose]());

    test.each(['forRoot', 'useFactory', 'useClass', 'useExisting'])(
        '%s: the service is there in a module that imports nothing, and app.close() closes the file',
        async scenario => {
            await using place = new Place();
            const { app, failure } = await NestApp.start(installation, scenario, { database: place.database });
            await using _ = app;
            expect(failure).toBeUndefined();
            expect(await app.ask('nestVersion')).toMatch(new RegExp(`^${major}\\.`));
            expect(await app.ask('isWatermarkService')).toBe(true);
            await app.ask('set', 'users', 'v1');
            expect(await app.ask('get', 'users')).toMatchObject({ key: 'users', version: 'v1' });
            expect(place.files).toContain('watermarks.db-wal');
            // Without enableShutdownHooks, and twice at a time.
            expect(await app.ask('close')).toEqual(expect.arrayContaining(STORED_IN_ALL_HOOKS));
            expect(place.files).toEqual(['watermarks.db']);
            // Nothing is left that keeps the process alive.
            expect(await app.ended()).toEqual({ code: 0, signal: null });
        }
    );

    test('SIGTERM closes the file when shutdown hooks are enabled', async () => {
        await using place = new Place();
        const { app } = await NestApp.start(installation, 'forRoot', { database: place.database });
        await using _ = app;
        await app.ask('enableShutdownHooks');
        await app.ask('watch', 'users');
        app.signal('SIGTERM');
        // Nest ends the process with the signal once its hooks have run.
        expect(await app.ended()).toEqual({ code: null, signal: 'SIGTERM' });
        expect(place.files).toEqual(['watermarks.db']);
        const store = await place.open();
        for (const hook of ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown']) {
            expect(await store.watermarks.get(hook)).toMatchObject({ key: hook, version: 'v1' });
        }
    });

    test('two applications see what the other one writes', async () => {
        await using place = new Place();
        const options = { database: place.database };
        const [{ app: one }, { app: two }] = await Promise.all([
            NestApp.start(installation, 'forRoot', options),
            NestApp.start(installation, 'useFactory', options)
        ]);
        await using _one = one;
        await using _two = two;
        await two.ask('watch', 'users');
        await one.ask('set', 'users', 'v1');
        expect(await two.ask('get', 'users')).toMatchObject({ version: 'v1' });
        await eventually('the watch tells of the first', () => two.seen.length === 1);
        await two.ask('set', 'users', 'v2');
        expect(await one.ask('get', 'users')).toMatchObject({ version: 'v2' });
        await eventually('the watch tells of both', () => two.seen.length === 2);
        expect(two.seen.map(({ version }) => version)).toEqual(['v1', 'v2']);
    });

    test.each([
        ['forRoot', { database: join('no', 'such', 'folder', 'x.db') }, 'BUCKET_NOT_FOUND', 'does not exist'],
        ['useFactory', {}, 'INVALID_OPTIONS', 'database: is missing'],
        ['useFactoryWithoutResult', {}, 'INVALID_OPTIONS', 'expected an object with options, got undefined'],
        ['forRoot', { database: '', tableName: 'a b' }, 'INVALID_OPTIONS', '2 problems'],
        ['nothing', {}, 'INVALID_OPTIONS', 'expected exactly one of useFactory, useClass and useExisting, got 0']
    ])('a start that fails: %s with %j', async (scenario, options, code, message) => {
        const { app, failure } = await NestApp.start(installation, scenario, options);
        await using _ = app;
        expect(failure).toMatchObject({ code: `ERR_WATERMARK_${code}` });
        expect(failure?.message).toContain(message);
        expect(await app.ended()).toEqual({ code: 0, signal: null });
    });
});
