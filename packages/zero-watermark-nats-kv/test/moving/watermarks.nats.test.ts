import { createReadStream } from 'node:fs';

import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type WatermarkService, WatermarkErrorCode } from '../../src/store.js';
import { type Backend, backends, onceReachable, openOn, rejectionOf, uniqueBucket } from '../support/backends.js';
import { exportOf, importInProcess, linesOf, temporaryFile } from '../support/importing.js';

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

    test('all of them arrive, with their data, and no others', async () => {
        await using source = await openOn(backend);
        await using target = await openOn(backend);
        const polluting = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}') as object;
        await source.watermarks.set('orders', '0000000042', { lastId: 'o-42', nested: { list: [1, null, 'ü'] } });
        await source.watermarks.set('', 'empty key');
        await source.watermarks.set('ключ 🔑 "quoted"\n', 'v\u2028', {});
        await source.watermarks.set('__proto__', 'v1', { ...polluting });
        await source.watermarks.set('gone', 'v1');
        await source.watermarks.delete('gone');
        await fill(source.watermarks, 2_300);

        const report = await target.watermarks.importWatermarks(source.watermarks.exportWatermarks());
        expect(report).toEqual({ created: 2_304, replaced: 0, alreadyThere: 0, refused: 0, problems: [] });
        expect(await contentOf(target.watermarks)).toEqual(await contentOf(source.watermarks));
        expect(await target.watermarks.get('gone')).toBeNull();
        expect(Object.hasOwn((await target.watermarks.get('__proto__'))?.data ?? {}, '__proto__')).toBe(true);
        expect(Object.prototype).not.toHaveProperty('polluted');
    });

    test('nothing at all', async () => {
        await using source = await openOn(backend);
        await using target = await openOn(backend);
        const lines = await linesOf(source.watermarks.exportWatermarks());
        expect(await target.watermarks.importWatermarks(lines)).toMatchObject({ created: 0, problems: [] });
    });

    test('run again it changes nothing; a file does as well, from the store itself too', async () => {
        await using store = await openOn(backend);
        await fill(store.watermarks, 500);
        const before = await store.watermarks.getAll();
        await using file = await temporaryFile((await linesOf(store.watermarks.exportWatermarks())).join(''));
        const report = await store.watermarks.importWatermarks(createReadStream(file.path, { highWaterMark: 100 }));
        expect(report).toMatchObject({ created: 0, alreadyThere: 500, refused: 0 });
        expect(await store.watermarks.getAll()).toEqual(before);
    });

    test('what is there is kept and reported by its line, or replaced when that is asked for', async () => {
        await using source = await openOn(backend);
        await using target = await openOn(backend);
        for (const key of ['same', 'version', 'data', 'missing']) {
            await source.watermarks.set(key, 'v1', { a: 1, b: 2 });
        }
        await target.watermarks.set('same', 'v1', { b: 2, a: 1 });
        await target.watermarks.set('version', 'v2', { a: 1, b: 2 });
        await target.watermarks.set('data', 'v1', { a: 1 });
        await target.watermarks.set('other', 'v3');
        const lines = await linesOf(source.watermarks.exportWatermarks());

        const report = await target.watermarks.importWatermarks(lines);
        expect(report).toMatchObject({ created: 1, replaced: 0, alreadyThere: 1, refused: 2 });
        expect(report.problems.map(({ key }) => key)).toEqual(['version', 'data']);
        for (const { line, key, message } of report.problems) {
            expect(lines[line - 1]).toContain(`"key":"${key}"`);
            expect(message).toContain(`"${key}" is at version`);
        }
        expect((await target.watermarks.get('version'))?.version).toBe('v2');
        expect((await target.watermarks.get('data'))?.data).toEqual({ a: 1 });

        const replaced = await target.watermarks.importWatermarks(lines, { onConflict: 'replace' });
        expect(replaced).toEqual({ created: 0, replaced: 2, alreadyThere: 2, refused: 0, problems: [] });
        expect(await contentOf(target.watermarks)).toEqual({
            ...(await contentOf(source.watermarks)),
            other: { version: 'v3', data: undefined }
        });
        const unknown = target.watermarks.importWatermarks(lines, { onConflict: 'merge' as 'keep' });
        expect(await rejectionOf(unknown)).toMatchObject({ code: WatermarkErrorCode.INVALID_ARGUMENT });
    });

    test('what the store cannot hold or what is damaged in it is reported, and the rest arrives', async () => {
        const bucket = uniqueBucket();
        await using source = await openOn(backend);
        await using target = await openOn(backend, { bucket, maxValueSizeBytes: 512 });
        await source.watermarks.set('large', 'v1', { text: 'x'.repeat(1_000) });
        await source.watermarks.set('damaged', 'v1');
        await source.watermarks.set('small', 'v1');
        await using nc = await connect({ servers: [...backend.urls] });
        const kv = await onceReachable(() => new Kvm(nc).open(bucket));
        await onceReachable(() => kv.put('damaged', 'not a record'));

        const lines = await linesOf(source.watermarks.exportWatermarks());
        for (const onConflict of ['keep', 'replace'] as const) {
            const report = await target.watermarks.importWatermarks(lines, { onConflict });
            const messages = report.problems.map(({ message }) => message);
            expect(messages.some(message => /record of "large" has \d+ bytes/.test(message))).toBe(true);
            expect(messages.some(message => message.includes('"damaged"'))).toBe(true);
            expect((await target.watermarks.get('small'))?.version).toBe('v1');
        }
    });

    test('of a line with wrong types nothing of its block is stored', async () => {
        await using source = await openOn(backend);
        await fill(source.watermarks, 3);
        await using target = await openOn(backend);
        for (const wrong of [
            { key: 7, version: 'v1' },
            { version: 'v1' },
            { key: 'k', version: '' },
            { key: 'k', version: null },
            { key: 'k', version: 'v1', data: [] },
            { key: 'k', version: 'v1', data: 'text' },
            { key: 'k', version: 'v1', data: null }
        ]) {
            const lines = await exportOf([{ key: 'good', version: 'v1' }, wrong], 'watermarks');
            const error = await rejectionOf(target.watermarks.importWatermarks(lines));
            expect(error).toMatchObject({ code: WatermarkErrorCode.INVALID_EXPORT, line: 3 });
        }
        const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
        const report = await target.watermarks.importWatermarks(
            await exportOf(
                [
                    `{"key":"deep","version":"v1","data":${deep}}`,
                    { key: 'half a pair \ud800', version: 'v1' },
                    { key: 'long '.repeat(1_000), version: 'v1' }
                ],
                'watermarks'
            )
        );
        expect(report).toMatchObject({ created: 0, refused: 3 });
        expect(await target.watermarks.getAll()).toEqual(new Map());
    });

    test('an export of a store that is written to has each key once, and can be imported', async () => {
        await using source = await openOn(backend);
        await using target = await openOn(backend);
        await fill(source.watermarks, 1_000);
        let writing = true;
        const writes = (async () => {
            for (let count = 0; writing; count += 1) {
                await Promise.all(
                    Array.from({ length: 50 }, (_, index) => source.watermarks.set(`key.${index}`, `w${count}`))
                );
            }
        })();
        const lines = await linesOf(source.watermarks.exportWatermarks());
        writing = false;
        await writes;
        const keys = lines.flatMap(line => (JSON.parse(line) as { key?: string }).key ?? []);
        expect(new Set(keys).size).toBe(1_000);
        expect(keys).toHaveLength(1_000);
        expect(await target.watermarks.importWatermarks(lines)).toMatchObject({ created: 1_000, refused: 0 });
    });

    test('an export ends with an error when the store is closed meanwhile, not like a whole one', async () => {
        const source = await openOn(backend);
        await fill(source.watermarks, 300);
        const reading = (async () => {
            for await (const line of source.watermarks.exportWatermarks()) {
                if (line.includes('"key"')) {
                    await source.close();
                }
            }
        })();
        expect(await rejectionOf(reading)).toMatchObject({ code: WatermarkErrorCode.CLOSED });
        const late = linesOf(source.watermarks.exportWatermarks());
        expect(await rejectionOf(late)).toMatchObject({ code: WatermarkErrorCode.CLOSED });
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
