import { ZeroWatermarkNatsKvModule } from '@cbnsndwch/zero-watermark-nats-kv';
import { type DynamicModule, Module } from '@nestjs/common';

import { BUCKET } from '../layout.js';
import { INSTANCE_CONFIG, type InstanceConfig } from './config.js';
import { EventStream } from './event-stream.js';
import { SharedWork } from './shared-work.js';

/** A change source: reads earthquakes from a stream and keeps its watermarks in NATS KV. */
@Module({})
export class AppModule {
    static forInstance(config: InstanceConfig): DynamicModule {
        return {
            module: AppModule,
            imports: [
                ZeroWatermarkNatsKvModule.forRoot({
                    servers: [...config.servers],
                    bucket: BUCKET,
                    replicas: config.replicas,
                    name: config.name
                })
            ],
            providers: [{ provide: INSTANCE_CONFIG, useValue: config }, EventStream, SharedWork]
        };
    }
}
