import {
    InvalidOptionsError,
    type MaybeUndefined,
    type WatermarkLogger,
    type WatermarkStore
} from '@cbnsndwch/zero-contracts';
import { refuseSecondStore, storeProviders } from '@cbnsndwch/zero-contracts/backend';
import {
    type DynamicModule,
    type FactoryProvider,
    Inject,
    Logger,
    Module,
    type ModuleMetadata,
    type OnApplicationShutdown,
    type Provider,
    type Type
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import { type NatsKvOptions, resolveOptions } from './options.js';
import { openWatermarkStore } from './watermark-store.js';

/** Makes the options in a class of the application, for `useClass` and `useExisting`. */
export interface NatsKvOptionsFactory {
    createNatsKvOptions(): Promise<ConfiguredOptions> | ConfiguredOptions;
}

/** Options as configuration services give them: each may be `undefined`, and is then reported if it is needed. */
type ConfiguredOptions = NatsKvOptions | MaybeUndefined<NatsKvOptions>;

/** One of `useFactory`, `useClass` and `useExisting`, as everywhere in Nest. */
export interface NatsKvAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
    /** What `useFactory` is called with. */
    inject?: FactoryProvider['inject'];
    // The arguments are what `inject` names, which TypeScript can't express; Nest's own types do the same.
    // oxlint-disable-next-line typescript/no-explicit-any
    useFactory?: (...args: any[]) => Promise<ConfiguredOptions> | ConfiguredOptions;
    useClass?: Type<NatsKvOptionsFactory>;
    useExisting?: Type<NatsKvOptionsFactory>;
    /** Providers that the options need, beside those of `imports`. */
    extraProviders?: Provider[];
}

/** Which store a module is about, where an application has several. */
export interface NatsKvStoreOptions {
    /**
     * Under which its services are injected: `@InjectWatermarks(storeName)` and `@InjectResumeTokens(storeName)`.
     *
     * @default it is the one store that is injected by class, `WatermarkService` and `ResumeTokenService`
     */
    storeName?: string;
}

const STORE = Symbol('zero-watermark-nats-kv:store');

/**
 * Gives the whole application a `WatermarkService` and a `ResumeTokenService`. An application that has several stores
 * declares the module once for each, all but one with a `storeName`; it does not start with two under one name.
 *
 * The store is opened while the application starts, which fails with a clear error if it can't be, and closed with the
 * application: on `app.close()`, and on signals when shutdown hooks are enabled.
 */
@Module({})
export class ZeroWatermarkNatsKvModule implements OnApplicationShutdown {
    readonly #store: WatermarkStore;

    constructor(@Inject(STORE) store: WatermarkStore) {
        this.#store = store;
    }

    /**
     * With options that are known when the module is declared.
     *
     * @throws {InvalidOptionsError} at once, with every problem
     */
    static forRoot(options: NatsKvOptions, store: NatsKvStoreOptions = {}): DynamicModule {
        resolveOptions(options);
        return declareModule(
            storeProvider([], () => options, store),
            {},
            store
        );
    }

    /**
     * With options that come from elsewhere, for example from `ConfigService`.
     *
     * @throws {InvalidOptionsError} unless there is exactly one of `useFactory`, `useClass` and `useExisting`. What is
     *   wrong with the options themselves is reported when the application starts.
     */
    static forRootAsync(options: NatsKvAsyncOptions, store: NatsKvStoreOptions = {}): DynamicModule {
        return declareModule(asyncStoreProvider(options, store), options, store);
    }

    /** Called by Nest: the last of its shutdown hooks, so that others can still store watermarks in theirs. */
    async onApplicationShutdown(): Promise<void> {
        await this.#store.close();
    }
}

/**
 * The options are no provider of their own: Nest keeps what providers give, and whoever prints the application would
 * print the passwords with it.
 */
function declareModule(
    store: Provider,
    { imports, extraProviders, useClass }: NatsKvAsyncOptions,
    { storeName }: NatsKvStoreOptions
): DynamicModule {
    const services = storeProviders(ZeroWatermarkNatsKvModule.name, STORE, storeName);
    return {
        module: ZeroWatermarkNatsKvModule,
        global: true,
        imports: imports ?? [],
        providers: [...(extraProviders ?? []), ...(useClass === undefined ? [] : [useClass]), store, ...services],
        exports: services.map(({ provide }) => provide)
    };
}

function asyncStoreProvider(
    { inject, useFactory, useClass, useExisting }: NatsKvAsyncOptions,
    store: NatsKvStoreOptions
): Provider {
    const given = [useFactory, useClass, useExisting].filter(way => way !== undefined);
    if (given.length !== 1) {
        throw new InvalidOptionsError('ZeroWatermarkNatsKvModule.forRootAsync is called wrongly', [
            `expected exactly one of useFactory, useClass and useExisting, got ${given.length}`
        ]);
    }
    if (useFactory !== undefined) {
        return storeProvider(inject ?? [], useFactory, store);
    }
    const factory = useClass ?? useExisting;
    return storeProvider(
        factory === undefined ? [] : [factory],
        (instance: NatsKvOptionsFactory) => instance.createNatsKvOptions(),
        store
    );
}

function storeProvider(
    inject: NonNullable<NatsKvAsyncOptions['inject']>,
    configure: NonNullable<NatsKvAsyncOptions['useFactory']>,
    { storeName }: NatsKvStoreOptions
): Provider {
    return {
        provide: STORE,
        inject: [ModulesContainer, ...inject],
        useFactory: async (modules: ModulesContainer, ...args: unknown[]) => {
            refuseSecondStore(modules.values(), storeName);
            return openWatermarkStore(withNestLogger(await configure(...args), storeName));
        }
    };
}

/** A factory may give anything at run time; what is no object is left to the check of the options. */
function withNestLogger(configured: ConfiguredOptions, storeName: string | undefined): ConfiguredOptions {
    return typeof configured === 'object' && configured !== null
        ? { ...configured, logger: configured.logger ?? nestLogger(storeName) }
        : configured;
}

function nestLogger(storeName: string | undefined): WatermarkLogger {
    const logger = new Logger(`ZeroWatermarkNatsKv${storeName === undefined ? '' : `:${storeName}`}`);
    return {
        warn: message => logger.warn(message),
        error: (message, error) => logger.error(message, error instanceof Error ? error.stack : error)
    };
}
