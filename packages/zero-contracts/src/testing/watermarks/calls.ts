import { present } from '../expect.js';
import type { WatermarkService } from '../../watermark.js';

/** The version that the arguments of a call leave open. */
interface Arguments {
    readonly key: string;
    readonly version?: string;
    readonly data?: Record<string, unknown>;
}

/** A call of the API. */
export type KeyCall = (watermarks: WatermarkService, args: Arguments) => Promise<unknown>;

/** Every method that takes a key, called with it. */
export const callsWithKey: Readonly<Record<string, KeyCall>> = {
    get: (watermarks, { key }) => watermarks.get(key),
    set: (watermarks, { key }) => watermarks.set(key, 'v1'),
    delete: (watermarks, { key }) => watermarks.delete(key),
    getMany: (watermarks, { key }) => watermarks.getMany([key]),
    create: (watermarks, { key }) => watermarks.create(key, 'v1'),
    compareAndSet: (watermarks, { key }) => watermarks.compareAndSet(key, 1, 'v1'),
    advance: (watermarks, { key }) => watermarks.advance(key, 'v1'),
    history: (watermarks, { key }) => watermarks.history(key),
    watch: (watermarks, { key }) => watermarks.watch(key, () => {})
};

/** Every method that stores a watermark under a key that has one, in a way in which it would succeed. */
export const writes: Readonly<Record<string, KeyCall>> = {
    set: (watermarks, { key, version = 'v2', data }) => watermarks.set(key, version, data),
    create: (watermarks, { key, version = 'v2', data }) => watermarks.create(`${key}.new`, version, data),
    compareAndSet: async (watermarks, { key, version = 'v2', data }) => {
        const { revision } = present(await watermarks.get(key), 'the watermark to compare with');
        return watermarks.compareAndSet(key, revision, version, data);
    },
    advance: (watermarks, { key, version = 'v2', data }) => watermarks.advance(key, version, data)
};
