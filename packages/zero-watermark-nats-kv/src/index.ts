export * from './store.js';
export { ZeroWatermarkNatsKvModule } from './zero-watermark-nats-kv.module.js';
export { InjectResumeTokens, InjectWatermarks } from './inject.js';
export type { NatsKvAsyncOptions, NatsKvOptionsFactory, NatsKvStoreOptions } from './zero-watermark-nats-kv.module.js';
