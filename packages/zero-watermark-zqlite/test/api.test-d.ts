import type { ConfigService } from '@nestjs/config';
import type { DynamicModule } from '@nestjs/common';
import { describe, expectTypeOf, test } from 'vitest';

import * as contracts from '@cbnsndwch/zero-contracts';
import * as nats from '@cbnsndwch/zero-watermark-nats-kv';

import * as main from '../src/index.js';
import * as store from '../src/store.js';
import type { ZqliteOptions, ZqliteOptionsFactory, ZqliteStoreOptions } from '../src/index.js';

/* Nothing in here runs: a wrong type fails the compilation. */

const { ZeroWatermarkZqliteModule } = main;

describe('ZqliteOptions', () => {
    test('needs a database, and no more', () => {
        expectTypeOf<{ database: string }>().toExtend<ZqliteOptions>();
        expectTypeOf<{ tableName: string }>().not.toExtend<ZqliteOptions>();
    });

    test('knows the values of its options', () => {
        void store.openWatermarkStore({ database: 'x', synchronous: 'NORMAL', retainTokens: 0, history: 5 });
        void store.openWatermarkStore({ database: 'x', synchronous: 'off', busyTimeoutMs: undefined });
        // @ts-expect-error there is no such mode
        void store.openWatermarkStore({ database: 'x', synchronous: 'sometimes' });
        // @ts-expect-error an option that is misspelt
        void store.openWatermarkStore({ database: 'x', table: 'y' });
    });
});

describe('ZeroWatermarkZqliteModule', () => {
    test('forRoot takes options and gives a module', () => {
        expectTypeOf(ZeroWatermarkZqliteModule.forRoot).parameter(0).toEqualTypeOf<ZqliteOptions>();
        expectTypeOf(ZeroWatermarkZqliteModule.forRoot).parameter(1).toEqualTypeOf<ZqliteStoreOptions | undefined>();
        expectTypeOf(ZeroWatermarkZqliteModule.forRoot).returns.toEqualTypeOf<DynamicModule>();
    });

    test('forRootAsync takes a factory whose properties may be undefined, promises and classes', () => {
        expectTypeOf(ZeroWatermarkZqliteModule.forRootAsync).returns.toEqualTypeOf<DynamicModule>();
        ZeroWatermarkZqliteModule.forRootAsync({
            useFactory: (config: ConfigService) => ({ database: config.get<string>('WATERMARK_DB_PATH') })
        });
        class Options implements ZqliteOptionsFactory {
            async createZqliteOptions() {
                return { database: './watermarks.db' };
            }
        }
        ZeroWatermarkZqliteModule.forRootAsync({ useClass: Options });
        ZeroWatermarkZqliteModule.forRootAsync({ useExisting: Options, imports: [] });
        ZeroWatermarkZqliteModule.forRootAsync({ useFactory: () => new Options().createZqliteOptions() });
        // @ts-expect-error a path is a string
        ZeroWatermarkZqliteModule.forRootAsync({ useFactory: () => ({ database: 1 }) });
        // @ts-expect-error a class that makes no options
        ZeroWatermarkZqliteModule.forRootAsync({ useClass: Date });
    });
});

describe('named stores', () => {
    test('are injected into parameters and properties, and found under tokens', () => {
        expectTypeOf(main.InjectWatermarks).returns.toExtend<ParameterDecorator & PropertyDecorator>();
        expectTypeOf(main.InjectResumeTokens).parameters.toEqualTypeOf<[storeName: string]>();
        expectTypeOf(main.getWatermarkServiceToken).returns.toEqualTypeOf<symbol>();
        expectTypeOf(main.getResumeTokenServiceToken).toEqualTypeOf(contracts.getResumeTokenServiceToken);
        // @ts-expect-error a name is a string
        void ZeroWatermarkZqliteModule.forRootAsync({}, { storeName: 1 });
    });
});

describe('entries', () => {
    test('./store has all of the main entry but what is for Nest', () => {
        expectTypeOf<Exclude<keyof typeof main, keyof typeof store>>().toEqualTypeOf<
            'ZeroWatermarkZqliteModule' | 'InjectResumeTokens' | 'InjectWatermarks'
        >();
        expectTypeOf<Exclude<keyof typeof store, keyof typeof main>>().toBeNever();
    });

    test('the store on NATS can take the place of this one: all but the module and the options has the same names', () => {
        expectTypeOf<Exclude<keyof typeof nats, 'ZeroWatermarkNatsKvModule'>>().toEqualTypeOf<
            Exclude<keyof typeof main, 'ZeroWatermarkZqliteModule'>
        >();
        expectTypeOf(main.WatermarkService).toEqualTypeOf(nats.WatermarkService);
        expectTypeOf(main.ResumeTokenService).toEqualTypeOf(nats.ResumeTokenService);
        expectTypeOf<main.WatermarkStore>().toEqualTypeOf<nats.WatermarkStore>();
        expectTypeOf<keyof typeof ZeroWatermarkZqliteModule>().toEqualTypeOf<
            keyof typeof nats.ZeroWatermarkNatsKvModule
        >();
    });

    test('a store is disposable and has its services', () => {
        expectTypeOf(store.openWatermarkStore).returns.resolves.toEqualTypeOf<contracts.WatermarkStore>();
        expectTypeOf<store.WatermarkStore>().toExtend<AsyncDisposable>();
    });
});
