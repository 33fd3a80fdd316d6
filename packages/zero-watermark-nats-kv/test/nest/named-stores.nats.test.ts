import 'reflect-metadata';

import { type DynamicModule, Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
    getResumeTokenServiceToken,
    getWatermarkServiceToken,
    InjectResumeTokens,
    InjectWatermarks,
    InvalidOptionsError,
    type NatsKvConfig,
    openWatermarkStore,
    ResumeTokenService,
    TOKEN_WATERMARK_SERVICE,
    WatermarkErrorCode,
    WatermarkService,
    ZeroWatermarkNatsKvModule
} from '../../src/index.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { rejectionOf, uniqueBucket } from '../support/backends.js';
import { connectionsOf } from '../support/monitor.js';

/** Somewhere in the application; a module that imports nothing. */
class Auditor {
    readonly main: WatermarkService;
    readonly audit: WatermarkService;
    readonly auditTokens: ResumeTokenService;

    constructor(main: WatermarkService, audit: WatermarkService, auditTokens: ResumeTokenService) {
        this.main = main;
        this.audit = audit;
        this.auditTokens = auditTokens;
    }
}
Injectable()(Auditor);
Reflect.defineMetadata('design:paramtypes', [WatermarkService, Object, Object], Auditor);
InjectWatermarks('audit')(Auditor, undefined, 1);
InjectResumeTokens('audit')(Auditor, undefined, 2);

class FeatureModule {}
const feature: DynamicModule = { module: FeatureModule, providers: [Auditor], exports: [Auditor] };

describe('two stores in one application', () => {
    let first: NatsServer;
    let second: NatsServer;
    beforeAll(async () => {
        const { newest, oldest } = natsServers();
        [first, second] = await Promise.all([
            startNatsServer({ binary: newest.path }),
            startNatsServer({ binary: oldest.path })
        ]);
    });
    afterAll(() => Promise.all([first.stop(), second.stop()]));

    const onFirst = (): NatsKvConfig => ({ servers: [first.url], bucket: uniqueBucket() });

    /** An application with a store without a name, and one with. */
    const start = (main: NatsKvConfig, audit: NatsKvConfig, moduleIdGeneratorAlgorithm?: 'reference' | 'deep-hash') => {
        class AppModule {}
        const imports = [
            ZeroWatermarkNatsKvModule.forRoot(main),
            ZeroWatermarkNatsKvModule.forRootAsync({ useFactory: () => audit }, { storeName: 'audit' }),
            feature
        ];
        const options = { logger: false, abortOnError: false } as const;
        return NestFactory.createApplicationContext(
            { module: AppModule, imports },
            moduleIdGeneratorAlgorithm === undefined ? options : { ...options, moduleIdGeneratorAlgorithm }
        );
    };

    test.each(['reference', 'deep-hash'] as const)(
        'two buckets are kept apart, and both are closed with the application (modules told apart by %s)',
        async algorithm => {
            const app = await start(onFirst(), onFirst(), algorithm);
            const auditor = app.get(Auditor);
            expect(auditor.main).toBe(app.get(WatermarkService));
            expect(auditor.audit).toBe(app.get(getWatermarkServiceToken('audit')));
            expect(auditor.auditTokens).toBe(app.get(getResumeTokenServiceToken('audit')));
            expect(app.get(TOKEN_WATERMARK_SERVICE)).toBe(app.get(ResumeTokenService));
            expect(app.get(ResumeTokenService)).not.toBe(auditor.auditTokens);

            await auditor.main.set('users', 'main');
            await auditor.audit.set('users', 'audit');
            await auditor.auditTokens.getOrCreateWatermark('app-0', 'a token');
            expect((await auditor.main.get('users'))?.version).toBe('main');
            expect((await auditor.audit.get('users'))?.version).toBe('audit');
            expect(await app.get(ResumeTokenService).head('app-0')).toBeNull();
            expect(await auditor.auditTokens.head('app-0')).toMatchObject({ resumeToken: 'a token' });

            await app.close();
            for (const service of [auditor.main, auditor.audit]) {
                expect(await rejectionOf(service.get('users'))).toMatchObject({ code: WatermarkErrorCode.CLOSED });
            }
            await expect.poll(() => connectionsOf(first)).toEqual([]);
        }
    );

    test('two clusters: one that hangs keeps neither the other from working nor the application from closing', async () => {
        const main = onFirst();
        const audit = { servers: [second.url], bucket: uniqueBucket(), timeoutMs: 1_000 };
        const app = await start(main, audit);
        const auditor = app.get(Auditor);
        await auditor.audit.set('users', 'v1');
        second.pause();
        expect(await rejectionOf(auditor.audit.get('users'))).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
        await auditor.main.set('users', 'v1');
        const pending = auditor.main.set('users', 'v2');
        const startedAt = performance.now();
        await app.close();
        expect(performance.now() - startedAt).toBeLessThan(10_000);
        await pending;
        second.resume();
        await using store = await openWatermarkStore(main);
        expect((await store.watermarks.get('users'))?.version).toBe('v2');
    });

    test('two applications in one process: closing one leaves the other at work', async () => {
        const [main, audit] = [onFirst(), onFirst()];
        const [one, other] = await Promise.all([start(main, audit), start(main, audit)]);
        const seen: string[] = [];
        await other.get(Auditor).audit.watch('users', ({ version }) => seen.push(version));
        await one.get(Auditor).audit.set('users', 'v1');
        await one.close();
        await other.get(Auditor).audit.set('users', 'v2');
        await expect.poll(() => seen).toEqual(['v1', 'v2']);
        expect((await other.get(Auditor).main.getAll()).size).toBe(0);
        await other.close();
    });

    test.each([undefined, 'audit'])(
        'two stores with the storeName %s are refused before one is opened',
        async storeName => {
            const store = storeName === undefined ? {} : { storeName };
            const imports = [
                ZeroWatermarkNatsKvModule.forRoot(onFirst(), store),
                ZeroWatermarkNatsKvModule.forRootAsync({ useFactory: () => onFirst() }, store),
                ZeroWatermarkNatsKvModule.forRoot(onFirst(), { storeName: 'another' })
            ];
            const error = await rejectionOf(Test.createTestingModule({ imports }).compile());
            expect(error).toBeInstanceOf(InvalidOptionsError);
            expect(error).toMatchObject({
                message: expect.stringMatching(
                    /ZeroWatermarkNatsKvModule and ZeroWatermarkNatsKvModule are declared with.*a storeName of its own/
                )
            });
        }
    );

    test('a named store may be the only one, and may be replaced in a test', async () => {
        const imports = [ZeroWatermarkNatsKvModule.forRoot(onFirst(), { storeName: 'audit' })];
        const named = await Test.createTestingModule({ imports }).compile();
        expect(await named.get<WatermarkService>(getWatermarkServiceToken('audit')).get('users')).toBeNull();
        expect(() => named.get(WatermarkService)).toThrow('could not find');
        await named.close();
        const replaced = await Test.createTestingModule({ imports })
            .overrideProvider(getWatermarkServiceToken('audit'))
            .useValue({ get: () => Promise.resolve('replaced') })
            .compile();
        expect(await replaced.get(getWatermarkServiceToken('audit')).get('users')).toBe('replaced');
        await replaced.close();
    });
});

test('a name that is none is refused at once', () => {
    const options = { servers: ['nats://localhost:4222'], bucket: 'b' };
    expect(() => ZeroWatermarkNatsKvModule.forRoot(options, { storeName: '' })).toThrow(InvalidOptionsError);
});
