import type { NatsConnection } from '@nats-io/transport-node';
import type { ConfigService } from '@nestjs/config';
import type { DynamicModule } from '@nestjs/common';
import { describe, expectTypeOf, test } from 'vitest';

import * as contracts from '@cbnsndwch/zero-contracts';

import * as main from '../src/index.js';
import * as store from '../src/store.js';
import type { NatsKvConfig, NatsKvOptions, NatsKvOptionsFactory, NatsKvStoreOptions, Watermark } from '../src/index.js';
import type { NatsCluster, NatsServer } from '../src/testing.js';
import { startNatsCluster, startNatsServer } from '../src/testing.js';

/* Nothing in here runs: a wrong type fails the compilation. */

const { ZeroWatermarkNatsKvModule } = main;

describe('NatsKvConfig', () => {
    test('takes what was specified', () => {
        expectTypeOf<{
            servers: string[];
            bucket: string;
            credentials?: string;
            token?: string;
            user?: string;
            pass?: string;
        }>().toExtend<NatsKvConfig>();
        expectTypeOf<NatsKvConfig['servers']>().toEqualTypeOf<string[]>();
        expectTypeOf<NatsKvConfig['bucket']>().toEqualTypeOf<string>();
    });

    test('needs servers and a bucket', () => {
        expectTypeOf<{ bucket: string }>().not.toExtend<NatsKvOptions>();
        expectTypeOf<{ servers: string[] }>().not.toExtend<NatsKvOptions>();
    });

    test('or an existing connection, which has servers and credentials of its own', () => {
        expectTypeOf<{ connection: NatsConnection; bucket: string }>().toExtend<NatsKvOptions>();
        expectTypeOf<{ connection: NatsConnection; bucket: string; token: string }>().not.toExtend<NatsKvOptions>();
    });

    test('knows the values of its options', () => {
        const required = { servers: ['nats://localhost:4222'], bucket: 'zero-watermarks' };
        void store.openWatermarkStore({ ...required, storage: 'memory', readConsistency: 'any', ttlMs: 0 });
        void store.openWatermarkStore({ ...required, strict: true });
        // @ts-expect-error there is no such policy
        void store.openWatermarkStore({ ...required, bucketPolicy: 'sometimes' });
        // @ts-expect-error an option that is misspelt
        void store.openWatermarkStore({ servers: [], bucket: 'zero-watermarks', replica: 3 });
        // @ts-expect-error the address has a place of its own
        void store.openWatermarkStore({ ...required, connection: { servers: ['nats://localhost:4222'] } });
    });
});

describe('ZeroWatermarkNatsKvModule', () => {
    test('forRoot takes options and gives a module', () => {
        expectTypeOf(ZeroWatermarkNatsKvModule.forRoot).parameter(0).toEqualTypeOf<NatsKvOptions>();
        expectTypeOf(ZeroWatermarkNatsKvModule.forRoot).parameter(1).toEqualTypeOf<NatsKvStoreOptions | undefined>();
        expectTypeOf(ZeroWatermarkNatsKvModule.forRoot).returns.toEqualTypeOf<DynamicModule>();
    });

    test('forRootAsync takes a factory whose properties may be undefined', () => {
        expectTypeOf(ZeroWatermarkNatsKvModule.forRootAsync).returns.toEqualTypeOf<DynamicModule>();
        ZeroWatermarkNatsKvModule.forRootAsync({
            useFactory: (config: ConfigService) => ({
                servers: config.get<string>('NATS_SERVERS')?.split(','),
                bucket: config.get<string>('NATS_BUCKET'),
                credentials: config.get<string>('NATS_CREDENTIALS')
            })
        });
        ZeroWatermarkNatsKvModule.forRootAsync({
            // @ts-expect-error a bucket is a string
            useFactory: () => ({ servers: ['nats://localhost:4222'], bucket: 4222 })
        });
    });

    test('forRootAsync takes promises and classes', () => {
        class Options implements NatsKvOptionsFactory {
            async createNatsKvOptions() {
                return { servers: ['nats://localhost:4222'], bucket: 'zero-watermarks' };
            }
        }
        ZeroWatermarkNatsKvModule.forRootAsync({ useClass: Options });
        ZeroWatermarkNatsKvModule.forRootAsync({ useExisting: Options, imports: [] });
        ZeroWatermarkNatsKvModule.forRootAsync({ useFactory: () => new Options().createNatsKvOptions() });
        // @ts-expect-error a class that makes no options
        ZeroWatermarkNatsKvModule.forRootAsync({ useClass: Date });
    });
});

describe('named stores', () => {
    test('are injected into parameters and properties, and found under tokens', () => {
        expectTypeOf(main.InjectWatermarks).returns.toExtend<ParameterDecorator & PropertyDecorator>();
        expectTypeOf(main.InjectResumeTokens).parameters.toEqualTypeOf<[storeName: string]>();
        expectTypeOf(main.getWatermarkServiceToken).returns.toEqualTypeOf<symbol>();
        expectTypeOf(main.getResumeTokenServiceToken).toEqualTypeOf(contracts.getResumeTokenServiceToken);
        // @ts-expect-error a name is a string
        void ZeroWatermarkNatsKvModule.forRootAsync({}, { storeName: 1 });
    });
});

describe('entries', () => {
    test('./store has all of the main entry but what is for Nest', () => {
        expectTypeOf<Exclude<keyof typeof main, keyof typeof store>>().toEqualTypeOf<
            'ZeroWatermarkNatsKvModule' | 'InjectResumeTokens' | 'InjectWatermarks'
        >();
        expectTypeOf<Exclude<keyof typeof store, keyof typeof main>>().toBeNever();
    });

    test('the contracts are the same classes', () => {
        expectTypeOf(main.WatermarkService).toEqualTypeOf(contracts.WatermarkService);
        expectTypeOf(main.WatermarkError).toEqualTypeOf(contracts.WatermarkError);
        expectTypeOf<Watermark>().toEqualTypeOf<contracts.Watermark>();
    });

    test('a store is disposable and has its services', () => {
        expectTypeOf(store.openWatermarkStore).returns.resolves.toEqualTypeOf<store.WatermarkStore>();
        expectTypeOf<store.WatermarkStore>().toExtend<AsyncDisposable>();
        expectTypeOf<store.WatermarkStore['watermarks']>().toEqualTypeOf<contracts.WatermarkService>();
        expectTypeOf<store.WatermarkStore['resumeTokens']>().toEqualTypeOf<contracts.ResumeTokenService>();
    });

    test('./testing gives disposable servers', () => {
        expectTypeOf(startNatsServer).returns.resolves.toEqualTypeOf<NatsServer>();
        expectTypeOf(startNatsCluster).returns.resolves.toEqualTypeOf<NatsCluster>();
        expectTypeOf<NatsServer>().toExtend<AsyncDisposable>();
        expectTypeOf<NatsCluster>().toExtend<AsyncDisposable>();
    });
});
