import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { WatermarkService } from '../../src/store.js';
import { type Backend, backends, openOn, uniqueBucket } from '../support/backends.js';
import { importInProcess, linesOf, temporaryFile } from '../support/importing.js';

/** What there is, without what is the store's own. */
async function contentOf(watermarks: WatermarkService): Promise<Record<string, unknown>> {
    const all = await watermarks.getAll();
    return Object.fromEntries([...all].map(([key, { version, data }]) => [key, { version, data }]));
}

async function fill(watermarks: WatermarkService, count: number): Promise<void> {
    await Promise.all(
        Array.from({ length: count }, (_, index) => watermarks.set(`key.${index}`, `v${index}`, { index }))
    );
}

describe.each(backends)('moving watermarks on $name', ({ start }) => {
    let backend: Backend;
    beforeAll(async () => {
        backend = await start();
    });
    afterAll(async () => {
        await backend[Symbol.asyncDispose]();
    });

    test('processes that are killed with -9 in the middle, then three at once: each watermark is there once', async () => {
        await using source = await openOn(backend);
        await fill(source.watermarks, 5_000);
        await using file = await temporaryFile((await linesOf(source.watermarks.exportWatermarks())).join(''));
        const { urls: servers, replicas } = backend;
        const order = {
            options: { servers, bucket: uniqueBucket(), replicas },
            service: 'watermarks' as const,
            path: file.path
        };
        expect(await importInProcess(order, 40)).toBeUndefined();
        expect(await importInProcess(order, 80)).toBeUndefined();
        await using target = await openOn(backend, { bucket: order.options.bucket });
        const arrived = (await target.watermarks.getAll()).size;
        expect(arrived).toBeGreaterThan(0);
        expect(arrived).toBeLessThan(5_000);

        const reports = (await Promise.all(Array.from({ length: 3 }, () => importInProcess(order)))) as {
            created: number;
            alreadyThere: number;
        }[];
        expect(reports.map(({ created, alreadyThere }) => created + alreadyThere)).toEqual([5_000, 5_000, 5_000]);
        expect(reports.reduce((sum, { created }) => sum + created, arrived)).toBe(5_000);
        expect(await contentOf(target.watermarks)).toEqual(await contentOf(source.watermarks));
    });
});
