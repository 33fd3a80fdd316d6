import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { WatermarkErrorCode } from '../src/store.js';
import { Place, places, rejectionOf } from './support/place.js';

/* What only SQLite has; the promises of every backend are tested by the conformance suite, in `conformance/`. */

describe.each(places)('a store $place', ({ options }) => {
    test('keeps any Unicode text as a key, a shard and a resume token, in a version half a surrogate pair too', async () => {
        await using place = new Place();
        const { watermarks, resumeTokens } = await place.open(options);
        const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
        const texts = [
            ...new Set([' ', '\0', 'a\0b', 'A', 'a', '日本', '😀', ...fc.sample(text, { numRuns: 60, seed: 1 })])
        ];
        const versionOf = (index: number) => `\0\ud800${index}`;
        await Promise.all(texts.map((key, index) => watermarks.set(key, versionOf(index))));
        const ofShards = await Promise.all(texts.map(shard => resumeTokens.getOrCreateWatermark(shard, shard)));
        const ofTokens = await resumeTokens.getOrCreateWatermarks('all', texts);
        expect([...(await watermarks.getAll()).keys()].toSorted()).toEqual(texts.toSorted());
        for (const [index, each] of texts.entries()) {
            expect(await watermarks.get(each)).toMatchObject({ key: each, version: versionOf(index) });
            expect(await resumeTokens.head(each)).toEqual({ watermark: ofShards[index], resumeToken: each });
            expect(await resumeTokens.getResumeToken('all', String(ofTokens[index]))).toBe(each);
        }
    });

    test('refuses what is larger than maxValueSizeBytes, with both sizes', async () => {
        await using place = new Place();
        const { watermarks, resumeTokens } = await place.open({ ...options, maxValueSizeBytes: 1_000 });
        const text = 'ü'.repeat((1_000 - '{"format":1,"version":"v1","data":{"text":""}}'.length) / 2);
        await watermarks.set('users', 'v1', { text });
        await resumeTokens.getOrCreateWatermark('s', 'ü'.repeat(500));
        for (const call of [
            () => watermarks.set('users', 'v2', { text: `${text}x` }),
            () => resumeTokens.getOrCreateWatermark('s', `${'ü'.repeat(500)}x`)
        ]) {
            const error = await rejectionOf(call());
            expect(error).toMatchObject({ code: WatermarkErrorCode.VALUE_TOO_LARGE });
            expect(error.message).toContain('has 1001 bytes');
            expect(error.message).toContain('at most 1000');
        }
        expect((await watermarks.get('users'))?.version).toBe('v1');
    });

    test('lets the writes of both services finish when it is closed, and both refuse later calls', async () => {
        await using place = new Place();
        const store = await place.open(options);
        const writes = Array.from({ length: 200 }, (_, index) => [
            store.watermarks.set(`key.${index}`, 'v1'),
            store.resumeTokens.getOrCreateWatermark('s', `token-${index}`)
        ]).flat();
        await Promise.all([store.close(), store.close()]);
        await Promise.all(writes);
        for (const call of [() => store.watermarks.get('a'), () => store.resumeTokens.head('s')]) {
            expect(await rejectionOf(call())).toMatchObject({ code: WatermarkErrorCode.CLOSED });
        }
    });
});

describe('a store in a file', () => {
    test('leaves one file, which holds everything, and revisions go on', async () => {
        await using place = new Place();
        const one = await place.open();
        await one.watermarks.set('users', 'v1', { a: 'ü' });
        await one.watermarks.set('gone', 'v1');
        await one.watermarks.delete('gone');
        const watermark = await one.resumeTokens.getOrCreateWatermark('s', 'a');
        await one.close();
        expect(place.files).toEqual(['watermarks.db']);
        const two = await place.open();
        expect([...(await two.watermarks.getAll()).values()]).toMatchObject([
            { key: 'users', version: 'v1', data: { a: 'ü' }, revision: 1 }
        ]);
        expect(await two.watermarks.create('gone', 'v2')).toBe(4);
        expect(await two.resumeTokens.head('s')).toEqual({ watermark, resumeToken: 'a' });
    });

    test('has nothing to do with others in the file', async () => {
        await using place = new Place();
        const one = await place.open();
        const two = await place.open({ tableName: 'of_another' });
        await one.watermarks.set('users', 'v1');
        expect(await two.watermarks.get('users')).toBeNull();
        expect(await two.watermarks.create('users', 'v2')).toBe(1);
        await two.resumeTokens.getOrCreateWatermark('app-0', 'cursor');
        expect(await one.resumeTokens.head('app-0')).toBeNull();
    });

    test('can be read by a person', async () => {
        await using place = new Place();
        const { watermarks } = await place.open();
        await watermarks.set('users', 'v1', { lastId: 'user-123' });
        const rows = place.sql(file =>
            file.prepare(`SELECT key, record ->> 'version' AS version FROM watermarks`).all()
        );
        expect(rows).toEqual([{ key: 'users', version: 'v1' }]);
    });
});
