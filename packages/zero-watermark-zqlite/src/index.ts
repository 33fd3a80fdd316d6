export * from './store.js';
export { ZeroWatermarkZqliteModule } from './zero-watermark-zqlite.module.js';
export type { ZqliteAsyncOptions, ZqliteOptionsFactory } from './zero-watermark-zqlite.module.js';
