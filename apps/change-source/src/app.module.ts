import { ZeroWatermarkNatsKvModule } from '@cbnsndwch/zero-watermark-nats-kv';
import { ZeroWatermarkZqliteModule } from '@cbnsndwch/zero-watermark-zqlite';
import { type DynamicModule, Module } from '@nestjs/common';

import { ChangeSourceModule } from './change-source.module.js';
import { type Config, rowsConnection, tlsOptions } from './config.js';
import { NATS_KV_SOURCE_OPTIONS, NatsKvSource, type NatsKvSourceOptions } from './nats-kv/nats-kv.source.js';

/** The application: rows in a NATS KV bucket, watermarks in another one or in an SQLite file. */
@Module({})
export class AppModule {
    static forConfig(config: Config): DynamicModule {
        const rows: NatsKvSourceOptions = { bucket: config.rowsBucket, connection: () => rowsConnection(config) };
        return {
            module: AppModule,
            imports: [
                watermarksModule(config),
                ChangeSourceModule.forRoot({
                    schema: config.schema,
                    source: NatsKvSource,
                    providers: [{ provide: NATS_KV_SOURCE_OPTIONS, useValue: rows }],
                    host: config.host,
                    port: config.port,
                    secret: config.secret,
                    ...(config.idleMs === undefined ? {} : { idleMs: config.idleMs })
                })
            ]
        };
    }
}

function watermarksModule(config: Config): DynamicModule {
    const { servers, watermarkBucket, watermarkDatabase, replicas, user, pass, token, credentials } = config;
    const { retainTokens, retainMs } = config;
    const retention = {
        ...(retainTokens === undefined ? {} : { retainTokens }),
        ...(retainMs === undefined ? {} : { retainMs })
    };
    if (watermarkDatabase !== undefined) {
        return ZeroWatermarkZqliteModule.forRoot({ database: watermarkDatabase, ...retention });
    }
    return ZeroWatermarkNatsKvModule.forRootAsync({
        useFactory: () => ({
            servers: [...servers],
            bucket: watermarkBucket,
            replicas,
            ...retention,
            user,
            pass,
            token,
            credentials,
            tls: tlsOptions(config),
            name: 'zero-change-source watermarks'
        })
    });
}
