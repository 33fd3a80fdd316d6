/**
 * The ways in which the Nest application of the tests configures this package; see test/support/nest-app.mjs.
 */
import { Inject, Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { ZeroWatermarkNatsKvModule } from '@cbnsndwch/zero-watermark-nats-kv';
import { connect } from '@nats-io/transport-node';

export { WatermarkService } from '@cbnsndwch/zero-watermark-nats-kv';

class OptionsFactory {
    constructor(config) {
        this.config = config;
    }
    async createNatsKvOptions() {
        return { servers: this.config.get('NATS_SERVERS')?.split(','), bucket: this.config.get('NATS_BUCKET') };
    }
}
Injectable()(OptionsFactory);
Inject(ConfigService)(OptionsFactory, undefined, 0);

/** Each gives the module to import. */
export function scenariosOf(given) {
    class OptionsModule {}
    const configuration = ConfigModule.forRoot({
        ignoreEnvFile: true,
        load: [() => ({ NATS_SERVERS: given.servers?.join(','), NATS_BUCKET: given.bucket })]
    });
    Module({ imports: [configuration], providers: [OptionsFactory], exports: [OptionsFactory] })(OptionsModule);

    return {
        forRoot: () => ZeroWatermarkNatsKvModule.forRoot(given),
        useFactory: () =>
            ZeroWatermarkNatsKvModule.forRootAsync({
                imports: [configuration],
                inject: [ConfigService],
                useFactory: async config => ({
                    servers: config.get('NATS_SERVERS')?.split(','),
                    bucket: config.get('NATS_BUCKET'),
                    credentials: config.get('NATS_CREDENTIALS')
                })
            }),
        useFactoryWithoutResult: () => ZeroWatermarkNatsKvModule.forRootAsync({ useFactory: () => undefined }),
        useClass: () => ZeroWatermarkNatsKvModule.forRootAsync({ imports: [configuration], useClass: OptionsFactory }),
        useExisting: () =>
            ZeroWatermarkNatsKvModule.forRootAsync({ imports: [OptionsModule], useExisting: OptionsFactory }),
        existingConnection: async () =>
            ZeroWatermarkNatsKvModule.forRoot({
                bucket: given.bucket,
                connection: await connect({ servers: given.servers, name: 'of the application' })
            }),
        nothing: () => ZeroWatermarkNatsKvModule.forRootAsync({})
    };
}
