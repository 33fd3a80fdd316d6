import { ZeroWatermarkNatsKvModule } from '@cbnsndwch/zero-watermark-nats-kv';
import { type DynamicModule, Module } from '@nestjs/common';

import type { NatsBackdropConfig } from '../instance/config.js';
import { EventStream } from '../instance/event-stream.js';
import { JetStreamEvents } from './jetstream-events.js';
import { BUCKET } from './names.js';

/** What a change source stands on with NATS: its watermarks in a bucket, its events in a stream. */
@Module({})
export class NatsBackdropModule {
    static forInstance({ servers, replicas }: NatsBackdropConfig, name: string): DynamicModule {
        return {
            module: NatsBackdropModule,
            imports: [ZeroWatermarkNatsKvModule.forRoot({ servers: [...servers], bucket: BUCKET, replicas, name })],
            providers: [{ provide: EventStream, useFactory: () => new JetStreamEvents(servers, name) }],
            exports: [EventStream]
        };
    }
}
