import { type DynamicModule, Module, type ModuleMetadata, type Provider, type Type } from '@nestjs/common';

import { CHANGE_SOURCE_OPTIONS, type ChangeSourceOptions } from './change-source.options.js';
import { ChangeSourceServer } from './change-source.server.js';
import { SharedSecret } from './protocol/secret.js';
import { parseSchema, type SchemaSource } from './schema/parse-schema.js';
import { UpstreamSource } from './upstream/upstream-source.js';

/** What {@link ChangeSourceModule.forRoot} takes. */
export interface ChangeSourceModuleOptions
    extends Omit<ChangeSourceOptions, 'schema'>, Pick<ModuleMetadata, 'imports'> {
    readonly schema: SchemaSource;
    /** What `?secret=` in the URL must be, not empty; without it (`undefined`) everybody who reaches the port is served. */
    readonly secret?: string | undefined;
    /** The upstream: one class, made by Nest. */
    readonly source: Type<UpstreamSource>;
    /** What the source needs to be made. */
    readonly providers?: readonly Provider[];
}

/**
 * Serves zero-caches from an upstream. Needs a `ResumeTokenService` in the application, for example that of
 * `ZeroWatermarkNatsKvModule`.
 */
@Module({})
export class ChangeSourceModule {
    /**
     * @throws {InvalidSchemaError} at once, with every problem of the schema
     * @throws {EmptySecretError} at once
     */
    static forRoot(options: ChangeSourceModuleOptions): DynamicModule {
        const { schema: source, source: useClass, providers = [], imports = [], secret, ...listening } = options;
        const schema = parseSchema(source);
        return {
            module: ChangeSourceModule,
            imports,
            providers: [
                ...providers,
                { provide: CHANGE_SOURCE_OPTIONS, useValue: { ...listening, schema } satisfies ChangeSourceOptions },
                { provide: SharedSecret, useValue: new SharedSecret(secret) },
                { provide: UpstreamSource, useClass },
                ChangeSourceServer
            ],
            exports: [ChangeSourceServer]
        };
    }
}
