import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { isWatermarkError, WatermarkErrorCode, type WatermarkStore } from '../src/store.js';
import { type Backend, backends, openOn, uniqueBucket } from './support/backends.js';

const WRITERS = 50;
const INSTANCES = 4;

describe.each(backends)(`${WRITERS} writers in ${INSTANCES} instances on $name`, ({ start }) => {
    let backend: Backend;
    let instances: WatermarkStore[];

    beforeAll(async () => {
        backend = await start();
        const bucket = uniqueBucket();
        instances = await Promise.all(
            Array.from({ length: INSTANCES }, () => openOn(backend, { bucket, history: 64 }))
        );
    });
    afterAll(async () => {
        await Promise.all(instances.map(instance => instance.close()));
        await backend[Symbol.asyncDispose]();
    });

    function serviceOf(writer: number) {
        const instance = instances[writer % INSTANCES];
        if (instance === undefined) {
            throw new Error('no instance');
        }
        return instance.watermarks;
    }
    const writers = Array.from({ length: WRITERS }, (_, writer) => writer);

    test('create has one winner, and everybody else learns its revision', async () => {
        const outcomes = await Promise.all(
            writers.map(writer =>
                serviceOf(writer)
                    .create('created', `v${writer}`)
                    .then(
                        revision => ({ writer, revision }),
                        (error: unknown) => ({ error })
                    )
            )
        );
        const winners = outcomes.filter(outcome => 'revision' in outcome);
        expect(winners).toHaveLength(1);
        expect(await serviceOf(0).get('created')).toMatchObject({
            version: `v${winners[0]?.writer}`,
            revision: winners[0]?.revision
        });
        for (const outcome of outcomes) {
            if ('error' in outcome) {
                expect(outcome.error).toMatchObject({
                    code: WatermarkErrorCode.REVISION_CONFLICT,
                    actualRevision: winners[0]?.revision
                });
            }
        }
    });

    test('compareAndSet loses nothing', async () => {
        await serviceOf(0).create('counter', '0');
        await Promise.all(
            writers.map(async writer => {
                const service = serviceOf(writer);
                for (let stored = false; !stored;) {
                    const current = await service.get('counter');
                    try {
                        const next = String(Number(current?.version) + 1);
                        await service.compareAndSet('counter', current?.revision ?? 0, next);
                        stored = true;
                    } catch (error) {
                        if (!isWatermarkError(error, WatermarkErrorCode.REVISION_CONFLICT)) {
                            throw error;
                        }
                    }
                }
            })
        );
        expect((await serviceOf(1).get('counter'))?.version).toBe(String(WRITERS));
    });

    test('advance never goes back', async () => {
        const versions = writers.map(writer => String(writer).padStart(4, '0'));
        const results = await Promise.all(
            versions.toReversed().map((version, writer) => serviceOf(writer).advance('advanced', version))
        );
        const last = versions.at(-1);
        expect((await serviceOf(0).get('advanced'))?.version).toBe(last);
        const history = await serviceOf(0).history('advanced');
        expect(history.map(watermark => watermark.version)).toEqual(
            history.map(watermark => watermark.version).toSorted()
        );
        expect(results.filter(result => result.advanced)).toHaveLength(history.length);
    });

    test('set of one instance keeps its order: the last call wins', async () => {
        const service = serviceOf(0);
        await Promise.all(Array.from({ length: 500 }, (_, call) => service.set('ordered', `v${call}`)));
        expect((await service.get('ordered'))?.version).toBe('v499');
        const numbers = (await service.history('ordered')).map(watermark => Number(watermark.version.slice(1)));
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    });

    test('set and delete of one instance keep their order', async () => {
        const service = serviceOf(1);
        await Promise.all([
            service.set('mixed', 'v1'),
            service.delete('mixed'),
            service.set('mixed', 'v2'),
            service.delete('mixed')
        ]);
        expect(await service.get('mixed')).toBeNull();
        await Promise.all([service.delete('mixed'), service.set('mixed', 'v3')]);
        expect((await service.get('mixed'))?.version).toBe('v3');
    });
});
