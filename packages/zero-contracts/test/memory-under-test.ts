import { MemoryData, openMemoryStore } from '../src/memory.js';
import type { BackendUnderTest } from '../src/testing.js';

/** The memory store as the conformance suite sees it: a space is a {@link MemoryData}. */
export function memoryUnderTest(): BackendUnderTest {
    const spaces = new Map<string, MemoryData>();
    const dataOf = (space: string) => {
        const data = spaces.get(space) ?? new MemoryData();
        spaces.set(space, data);
        return data;
    };
    return {
        name: 'The memory store',
        open: async (space, { instance: _, ...options }) => openMemoryStore({ ...options, data: dataOf(space) }),
        capabilities: {
            instances: true,
            durable: true,
            history: 64,
            retention: true,
            tokenOrder: true,
            storeForeignRecord: async (space, key) => void dataOf(space).write(key, 'garbage'),
            wipe: async space => void spaces.delete(space),
            backup: async space => {
                const copy = dataOf(space).copy();
                return async () => dataOf(space).replaceBy(copy);
            },
            backupWhileOpen: true
        }
    };
}
