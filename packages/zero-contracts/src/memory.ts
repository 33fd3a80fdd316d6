/**
 * A store in memory: the reference of what a backend does, and a double for tests of applications.
 *
 * docs/new-backend.md builds it step by step.
 *
 * @module
 */
export { MemoryData } from './memory/memory-data.js';
export { openMemoryStore } from './memory/memory-store.js';
export type { MemoryStoreOptions } from './memory/memory-store.js';
