/**
 * The ways in which the Nest application of the tests configures this package; see test/support/nest-app.mjs.
 */
import { Inject, Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { ZeroWatermarkZqliteModule } from '@cbnsndwch/zero-watermark-zqlite';

export { WatermarkService } from '@cbnsndwch/zero-watermark-zqlite';

class OptionsFactory {
    constructor(config) {
        this.config = config;
    }
    async createZqliteOptions() {
        return { database: this.config.get('WATERMARK_DB_PATH') };
    }
}
Injectable()(OptionsFactory);
Inject(ConfigService)(OptionsFactory, undefined, 0);

/** Each gives the module to import. */
export function scenariosOf(given) {
    class OptionsModule {}
    const configuration = ConfigModule.forRoot({
        ignoreEnvFile: true,
        load: [() => ({ WATERMARK_DB_PATH: given.database })]
    });
    Module({ imports: [configuration], providers: [OptionsFactory], exports: [OptionsFactory] })(OptionsModule);

    return {
        forRoot: () => ZeroWatermarkZqliteModule.forRoot(given),
        useFactory: () =>
            ZeroWatermarkZqliteModule.forRootAsync({
                imports: [configuration],
                inject: [ConfigService],
                useFactory: async config => ({
                    database: config.get('WATERMARK_DB_PATH'),
                    retainTokens: config.get('RETAIN_TOKENS')
                })
            }),
        useFactoryWithoutResult: () => ZeroWatermarkZqliteModule.forRootAsync({ useFactory: () => undefined }),
        useClass: () => ZeroWatermarkZqliteModule.forRootAsync({ imports: [configuration], useClass: OptionsFactory }),
        useExisting: () =>
            ZeroWatermarkZqliteModule.forRootAsync({ imports: [OptionsModule], useExisting: OptionsFactory }),
        nothing: () => ZeroWatermarkZqliteModule.forRootAsync({})
    };
}
