import { type DynamicModule, Module } from '@nestjs/common';

import { INSTANCE_CONFIG, type InstanceConfig } from './config.js';
import { SharedWork } from './shared-work.js';

/** A change source: reads earthquakes from a stream and keeps its watermarks in a store. */
@Module({})
export class AppModule {
    static async forInstance(config: InstanceConfig): Promise<DynamicModule> {
        return {
            module: AppModule,
            imports: [await backdropModule(config)],
            providers: [{ provide: INSTANCE_CONFIG, useValue: config }, SharedWork]
        };
    }
}

/** All that a change source needs to run on another store; the rest of it does not know on which it runs. */
async function backdropModule({ name, backdrop }: InstanceConfig): Promise<DynamicModule> {
    return backdrop.store === 'sqlite'
        ? (await import('../sqlite/backdrop.module.js')).SqliteBackdropModule.forInstance(backdrop)
        : (await import('../nats/backdrop.module.js')).NatsBackdropModule.forInstance(backdrop, name);
}
