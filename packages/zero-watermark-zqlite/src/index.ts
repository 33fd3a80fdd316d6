export * from './store.js';
export { ZeroWatermarkZqliteModule } from './zero-watermark-zqlite.module.js';
export { InjectResumeTokens, InjectWatermarks } from './inject.js';
export type { ZqliteAsyncOptions, ZqliteOptionsFactory, ZqliteStoreOptions } from './zero-watermark-zqlite.module.js';
