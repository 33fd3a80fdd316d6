import { ZeroWatermarkZqliteModule } from '@cbnsndwch/zero-watermark-zqlite';
import { type DynamicModule, Module } from '@nestjs/common';

import type { SqliteBackdropConfig } from '../instance/config.js';
import { EventStream } from '../instance/event-stream.js';
import { FileEvents } from './file-events.js';

/** What a change source stands on with SQLite: its watermarks in a database, its events in another file. */
@Module({})
export class SqliteBackdropModule {
    static forInstance({ database, events }: SqliteBackdropConfig): DynamicModule {
        return {
            module: SqliteBackdropModule,
            imports: [ZeroWatermarkZqliteModule.forRoot({ database })],
            providers: [{ provide: EventStream, useFactory: () => new FileEvents(events) }],
            exports: [EventStream]
        };
    }
}
