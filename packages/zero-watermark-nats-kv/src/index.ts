export * from './store.js';
export { ZeroWatermarkNatsKvModule } from './zero-watermark-nats-kv.module.js';
export type { NatsKvAsyncOptions, NatsKvOptionsFactory } from './zero-watermark-nats-kv.module.js';
