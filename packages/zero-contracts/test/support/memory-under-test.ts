import { MemoryData, openMemoryStore } from '../../src/memory.js';
import type { BackendUnderTest, InstanceOptions, OpenedInstance } from '../../src/testing.js';

/** What {@link memoryUnderTest} can be told to do in another way. */
interface MemorySettings {
    readonly name: string;
    readonly patienceMs: number;
    readonly open: (data: MemoryData, options: InstanceOptions) => OpenedInstance;
    /** What a space is kept in when it is opened, also again after it was wiped. */
    readonly makeData: () => MemoryData;
}

/** The memory store as the conformance suite sees it: a space is a {@link MemoryData}. */
export function memoryUnderTest({
    name = 'The memory store',
    patienceMs = 10_000,
    open = (data, { instance: _, ...options }) => openMemoryStore({ ...options, data }),
    makeData = () => new MemoryData()
}: Partial<MemorySettings> = {}): BackendUnderTest {
    const spaces = new Map<string, MemoryData>();
    const dataOf = (space: string) => {
        const data = spaces.get(space) ?? makeData();
        spaces.set(space, data);
        return data;
    };
    return {
        name,
        patienceMs,
        open: async (space, options) => open(dataOf(space), options),
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
