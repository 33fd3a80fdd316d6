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

import { type ZqliteOptions, resolveOptions } from './options.js';
import { openWatermarkStore } from './watermark-store.js';

/** Makes the options in a class of the application, for `useClass` and `useExisting`. */
export interface ZqliteOptionsFactory {
    createZqliteOptions(): Promise<ConfiguredOptions> | ConfiguredOptions;
}

/** Options as configuration services give them: each may be `undefined`, and is then reported if it is needed. */
type ConfiguredOptions = ZqliteOptions | MaybeUndefined<ZqliteOptions>;

/** One of `useFactory`, `useClass` and `useExisting`, as everywhere in Nest. */
export interface ZqliteAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
    /** What `useFactory` is called with. */
    inject?: FactoryProvider['inject'];
    // The arguments are what `inject` names, which TypeScript can't express; Nest's own types do the same.
    // oxlint-disable-next-line typescript/no-explicit-any
    useFactory?: (...args: any[]) => Promise<ConfiguredOptions> | ConfiguredOptions;
    useClass?: Type<ZqliteOptionsFactory>;
    useExisting?: Type<ZqliteOptionsFactory>;
    /** Providers that the options need, beside those of `imports`. */
    extraProviders?: Provider[];
}

/** Which store a module is about, where an application has several. */
export interface ZqliteStoreOptions {
    /**
     * Under which its services are injected: `@InjectWatermarks(storeName)` and `@InjectResumeTokens(storeName)`.
     *
     * @default it is the one store that is injected by class, `WatermarkService` and `ResumeTokenService`
     */
    storeName?: string;
}

const STORE = Symbol('zero-watermark-zqlite:store');
const OPTIONS = Symbol('zero-watermark-zqlite:options');

/**
 * Gives the whole application a `WatermarkService` and a `ResumeTokenService`. An application that has several stores
 * declares the module once for each, all but one with a `storeName`; it does not start with two under one name.
 *
 * The store is opened while the application starts, which fails with a clear error if it can't be, and closed with the
 * application: on `app.close()`, and on signals when shutdown hooks are enabled.
 */
@Module({})
export class ZeroWatermarkZqliteModule implements OnApplicationShutdown {
    readonly #store: WatermarkStore;

    constructor(@Inject(STORE) store: WatermarkStore) {
        this.#store = store;
    }

    /**
     * With options that are known when the module is declared.
     *
     * @throws {InvalidOptionsError} at once, with every problem
     */
    static forRoot(options: ZqliteOptions, store: ZqliteStoreOptions = {}): DynamicModule {
        resolveOptions(options);
        return declareModule({ provide: OPTIONS, useValue: options }, {}, store);
    }

    /**
     * With options that come from elsewhere, for example from `ConfigService`.
     *
     * @throws {InvalidOptionsError} unless there is exactly one of `useFactory`, `useClass` and `useExisting`. What is
     *   wrong with the options themselves is reported when the application starts.
     */
    static forRootAsync(options: ZqliteAsyncOptions, store: ZqliteStoreOptions = {}): DynamicModule {
        return declareModule(optionsProvider(options), options, store);
    }

    /** Called by Nest: the last of its shutdown hooks, so that others can still store watermarks in theirs. */
    async onApplicationShutdown(): Promise<void> {
        await this.#store.close();
    }
}

function declareModule(
    options: Provider,
    { imports, extraProviders, useClass }: ZqliteAsyncOptions,
    { storeName }: ZqliteStoreOptions
): DynamicModule {
    const services = storeProviders(ZeroWatermarkZqliteModule.name, STORE, storeName);
    return {
        module: ZeroWatermarkZqliteModule,
        global: true,
        imports: imports ?? [],
        providers: [
            ...(extraProviders ?? []),
            ...(useClass === undefined ? [] : [useClass]),
            options,
            {
                provide: STORE,
                inject: [ModulesContainer, OPTIONS],
                useFactory: (modules: ModulesContainer, configured: ConfiguredOptions) => {
                    refuseSecondStore(modules.values(), storeName);
                    return openWatermarkStore(withNestLogger(configured, storeName));
                }
            },
            ...services
        ],
        exports: services.map(({ provide }) => provide)
    };
}

function optionsProvider({ inject, useFactory, useClass, useExisting }: ZqliteAsyncOptions): Provider {
    const given = [useFactory, useClass, useExisting].filter(way => way !== undefined);
    if (given.length !== 1) {
        throw new InvalidOptionsError('ZeroWatermarkZqliteModule.forRootAsync is called wrongly', [
            `expected exactly one of useFactory, useClass and useExisting, got ${given.length}`
        ]);
    }
    if (useFactory !== undefined) {
        return { provide: OPTIONS, inject: inject ?? [], useFactory };
    }
    const factory = useClass ?? useExisting;
    return {
        provide: OPTIONS,
        inject: factory === undefined ? [] : [factory],
        useFactory: (instance: ZqliteOptionsFactory) => instance.createZqliteOptions()
    };
}

/** A factory may give anything at run time; what is no object is left to the check of the options. */
function withNestLogger(configured: ConfiguredOptions, storeName: string | undefined): ConfiguredOptions {
    return typeof configured === 'object' && configured !== null
        ? { ...configured, logger: configured.logger ?? nestLogger(storeName) }
        : configured;
}

function nestLogger(storeName: string | undefined): WatermarkLogger {
    const logger = new Logger(`ZeroWatermarkZqlite${storeName === undefined ? '' : `:${storeName}`}`);
    return {
        warn: message => logger.warn(message),
        error: (message, error) => logger.error(message, error instanceof Error ? error.stack : error)
    };
}
