import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isWatermarkError, RevisionConflictError, WatermarkErrorCode } from '../src/store.js';
import { Place, places, recordLog, rejectionOf } from './support/place.js';

const keysOf = (count: number) => Array.from({ length: count }, (_, index) => `key.${index}`);

describe.each(places)('watermarks $place', ({ options }) => {
    test('what was set is there, with data, revision and the time', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        expect(await watermarks.get('users')).toBeNull();
        const before = Date.now();
        await watermarks.set('users', '00000000001704067200000', { lastId: 'user-123', count: 42 });
        const watermark = await watermarks.get('users');
        expect(watermark).toEqual({
            key: 'users',
            version: '00000000001704067200000',
            data: { lastId: 'user-123', count: 42 },
            revision: 1,
            timestamp: expect.any(Number) as number
        });
        expect(watermark?.timestamp).toBeGreaterThanOrEqual(before);
        expect(watermark?.timestamp).toBeLessThanOrEqual(Date.now());
        await watermarks.set('users', 'v2');
        expect(await watermarks.get('users')).not.toHaveProperty('data');
    });

    test('any Unicode string is a key, any non-empty string a version', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        const text = fc.string({ unit: 'binary', maxLength: 40 });
        const keys = [
            ...new Set(['', ' ', '\0', 'a\0b', 'A', 'a', '日本', '😀', ...fc.sample(text, { numRuns: 60, seed: 1 })])
        ];
        const version = (index: number) => `\0\ud800${index}`;
        await Promise.all(keys.map((key, index) => watermarks.set(key, version(index))));
        const all = await watermarks.getAll();
        expect(all.size).toBe(keys.length);
        for (const [index, key] of keys.entries()) {
            expect(all.get(key)).toMatchObject({ key, version: version(index) });
            expect(await watermarks.get(key)).toEqual(all.get(key));
        }
    });

    test('delete: the key is gone, can be set again, and need not be there', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        await watermarks.set('users', 'v1');
        await watermarks.delete('users');
        await watermarks.delete('users');
        await watermarks.delete('nobody');
        expect(await watermarks.get('users')).toBeNull();
        expect(await watermarks.getAll()).toEqual(new Map());
        expect(await watermarks.create('users', 'v2')).toBe(3);
    });

    test('getAll has every key once, at its last revision, also while it is written to', async () => {
        await using place = new Place();
        const { watermarks } = await place.open({ ...options, history: 3 });
        const keys = keysOf(1_200);
        await Promise.all(keys.map(key => watermarks.set(key, 'v1')));
        await Promise.all(keys.slice(0, 300).map(key => watermarks.delete(key)));
        const reading = watermarks.getAll();
        const writing = Promise.all(keys.slice(300).map(key => watermarks.set(key, 'v2')));
        const all = await reading;
        await writing;
        expect([...all.keys()].toSorted()).toEqual(keys.slice(300).toSorted());
        expect([...(await watermarks.getAll()).values()].every(({ version }) => version === 'v2')).toBe(true);
    });

    test('getMany gives those that are there, in the order that was asked for', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        await watermarks.set('a', 'v1');
        await watermarks.set('b', 'v2');
        const many = await watermarks.getMany(new Set(['b', 'nobody', 'a']));
        expect([...many.keys()]).toEqual(['b', 'a']);
        expect(await watermarks.getMany([])).toEqual(new Map());
    });

    test('create refuses a key that is there', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        const revision = await watermarks.create('users', 'v1', { a: 1 });
        const error = await rejectionOf(watermarks.create('users', 'v2'));
        expect(error).toBeInstanceOf(RevisionConflictError);
        expect(error).toMatchObject({ key: 'users', expectedRevision: null, actualRevision: revision });
        expect(await watermarks.get('users')).toMatchObject({ version: 'v1', data: { a: 1 }, revision });
    });

    test('compareAndSet goes from revision to revision, and refuses any other', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        const first = await watermarks.create('users', 'v1');
        const second = await watermarks.compareAndSet('users', first, 'v2', { b: 2 });
        expect(second).toBeGreaterThan(first);
        for (const wrong of [first, second + 1]) {
            const error = await rejectionOf(watermarks.compareAndSet('users', wrong, 'v3'));
            expect(error).toMatchObject({ key: 'users', expectedRevision: wrong, actualRevision: second });
        }
        const error = await rejectionOf(watermarks.compareAndSet('nobody', second, 'v1'));
        expect(error).toMatchObject({ code: WatermarkErrorCode.REVISION_CONFLICT, actualRevision: null });
        expect(await watermarks.get('users')).toMatchObject({ version: 'v2', data: { b: 2 }, revision: second });
        expect(await watermarks.get('nobody')).toBeNull();
    });

    test('advance goes forward, and only forward, in the order that is wanted', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        expect(await watermarks.advance('users', '0b')).toEqual({ advanced: true, revision: 1 });
        for (const version of ['0b', '0a']) {
            expect(await watermarks.advance('users', version)).toMatchObject({
                advanced: false,
                current: { key: 'users', version: '0b' }
            });
        }
        await watermarks.delete('users');
        expect(await watermarks.advance('users', '9')).toMatchObject({ advanced: true });
        const compare = (a: string, b: string) => Number(a) - Number(b);
        expect(await watermarks.advance('users', '10', undefined, { compare })).toMatchObject({ advanced: true });
        expect(await watermarks.advance('users', '9', undefined, { compare })).toMatchObject({ advanced: false });
    });

    test('an order that throws fails its own call alone, with its own error', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        await watermarks.set('users', 'v1');
        const broken = new RangeError('broken order');
        const compare = () => {
            throw broken;
        };
        const [before, failed, after] = await Promise.allSettled([
            watermarks.set('before', 'v1'),
            watermarks.advance('users', 'v2', undefined, { compare }),
            watermarks.set('after', 'v1')
        ]);
        expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled']);
        expect(failed).toEqual({ status: 'rejected', reason: broken });
    });

    test('history is oldest first, as far as it is kept, without deletions', async () => {
        await using place = new Place();
        const { watermarks } = await place.open({ ...options, history: 4 });
        for (const version of ['v1', 'v2', 'v3', 'v4']) {
            await watermarks.set('users', version);
            await watermarks.set('others', version);
        }
        await watermarks.delete('users');
        expect((await watermarks.history('users')).map(({ version }) => version)).toEqual(['v2', 'v3', 'v4']);
        expect((await watermarks.history('others')).map(({ revision }) => revision)).toEqual([2, 4, 6, 8]);
        expect(await watermarks.history('nobody')).toEqual([]);
    });

    test('calls of one store are done in their order', async () => {
        await using place = new Place();
        const { watermarks } = await place.open({ ...options, history: 64 });
        await Promise.all(Array.from({ length: 500 }, (_, call) => watermarks.set('ordered', `v${call}`)));
        const numbers = (await watermarks.history('ordered')).map(({ version }) => Number(version.slice(1)));
        expect(numbers).toEqual(Array.from({ length: 64 }, (_, index) => 436 + index));
        const [, , revision] = await Promise.all([
            watermarks.set('mixed', 'v1'),
            watermarks.delete('mixed'),
            watermarks.create('mixed', 'v2'),
            watermarks.delete('mixed')
        ]);
        expect(await watermarks.get('mixed')).toBeNull();
        expect(await watermarks.create('mixed', 'v3')).toBe(revision + 2);
    });

    test('clear: all are gone, and revisions go on', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        await watermarks.clear();
        const keys = keysOf(1_300);
        await Promise.all(keys.map(key => watermarks.set(key, 'v1')));
        await watermarks.delete('key.0');
        await watermarks.clear();
        expect(await watermarks.getAll()).toEqual(new Map());
        expect(await watermarks.create('key.0', 'v2')).toBe(1_300 + 1 + 1_299 + 1);
    });

    test('every method rejects a bad argument, and none throws', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        const nothing = undefined as unknown as string;
        const { INVALID_ARGUMENT, INVALID_DATA, INVALID_KEY, INVALID_VERSION } = WatermarkErrorCode;
        for (const [code, call] of [
            [INVALID_KEY, () => watermarks.get(nothing)],
            [INVALID_KEY, () => watermarks.set('a\uD800', 'v1')],
            [INVALID_KEY, () => watermarks.delete('k'.repeat(3_001))],
            [INVALID_KEY, () => watermarks.watch(nothing, () => {})],
            [INVALID_KEY, () => watermarks.history(nothing)],
            [INVALID_KEY, () => watermarks.getMany([nothing])],
            [INVALID_VERSION, () => watermarks.set('users', nothing)],
            [INVALID_VERSION, () => watermarks.create('users', '')],
            [INVALID_VERSION, () => watermarks.advance('users', '')],
            [INVALID_DATA, () => watermarks.set('users', 'v1', { at: new Date() })],
            [INVALID_DATA, () => watermarks.compareAndSet('users', 1, 'v1', { n: 1n })],
            [INVALID_ARGUMENT, () => watermarks.compareAndSet('users', 0, 'v1')]
        ] as const) {
            const error = await rejectionOf(call());
            expect(isWatermarkError(error, code), error.message).toBe(true);
        }
        expect(await watermarks.getAll()).toEqual(new Map());
    });

    test('a record that is too large is refused, with both sizes', async () => {
        await using place = new Place();
        const { watermarks } = await place.open({ ...options, maxValueSizeBytes: 1_000 });
        const text = 'ü'.repeat((1_000 - '{"format":1,"version":"v1","data":{"text":""}}'.length) / 2);
        await watermarks.set('users', 'v1', { text });
        const error = await rejectionOf(watermarks.set('users', 'v2', { text: `${text}x` }));
        expect(error).toMatchObject({ code: WatermarkErrorCode.VALUE_TOO_LARGE });
        expect(error.message).toContain('has 1001 bytes');
        expect(error.message).toContain('at most 1000');
        expect((await watermarks.get('users'))?.version).toBe('v1');
    });

    test('close lets writes under way finish, and refuses later calls', async () => {
        await using place = new Place();
        const store = await place.open(options);
        const writes = keysOf(200).map(key => store.watermarks.set(key, 'v1'));
        await Promise.all([store.close(), store.close()]);
        await Promise.all(writes);
        for (const call of [
            () => store.watermarks.get('a'),
            () => store.watermarks.set('a', 'v1'),
            () => store.watermarks.watch('a', () => {}),
            () => store.watermarks.watchAll()[Symbol.asyncIterator]().next(),
            () => store.resumeTokens.head('a')
        ]) {
            expect(await rejectionOf(call())).toMatchObject({ code: WatermarkErrorCode.CLOSED });
        }
    });
});

describe('watermarks in a file', () => {
    test('outlive the store, and revisions go on', async () => {
        await using place = new Place();
        const one = await place.open();
        await one.watermarks.set('users', 'v1', { a: 'ü' });
        await one.watermarks.set('gone', 'v1');
        await one.watermarks.delete('gone');
        await one.close();
        expect(place.files).toEqual(['watermarks.db']);
        const two = await place.open();
        expect([...(await two.watermarks.getAll()).values()]).toMatchObject([
            { key: 'users', version: 'v1', data: { a: 'ü' }, revision: 1 }
        ]);
        expect(await two.watermarks.create('gone', 'v2')).toBe(4);
    });

    test('other stores in the file have their own', async () => {
        await using place = new Place();
        const one = await place.open();
        const two = await place.open({ tableName: 'of_another' });
        await one.watermarks.set('users', 'v1');
        expect(await two.watermarks.get('users')).toBeNull();
        expect(await two.watermarks.create('users', 'v2')).toBe(1);
        await two.resumeTokens.getOrCreateWatermark('app-0', 'cursor');
        expect(await one.resumeTokens.head('app-0')).toBeNull();
    });

    test('a person can read them', async () => {
        await using place = new Place();
        const { watermarks } = await place.open();
        await watermarks.set('users', 'v1', { lastId: 'user-123' });
        const rows = place.sql(file =>
            file.prepare(`SELECT key, record ->> 'version' AS version FROM watermarks`).all()
        );
        expect(rows).toEqual([{ key: 'users', version: 'v1' }]);
    });

    test('a record that is not ours is refused, named, and does not spoil the others', async () => {
        await using place = new Place();
        const logger = recordLog();
        const { watermarks } = await place.open({ logger, history: 3 });
        await watermarks.set('users', 'v1');
        await watermarks.set('orders', 'v1');
        place.sql(file => file.exec(`UPDATE watermarks SET record = 'garbage' WHERE key = 'users'`));
        const calls = [
            () => watermarks.get('users'),
            () => watermarks.getMany(['orders', 'users']),
            () => watermarks.create('users', 'v2'),
            () => watermarks.compareAndSet('users', 1, 'v2'),
            () => watermarks.advance('users', 'v2')
        ];
        for (const call of calls) {
            expect(await rejectionOf(call())).toMatchObject({
                code: WatermarkErrorCode.CORRUPT_RECORD,
                key: 'users',
                revision: 1
            });
        }
        expect(logger.warnings).toEqual([]);
        expect([...(await watermarks.getAll()).keys()]).toEqual(['orders']);
        expect(logger.warnings).toEqual([
            expect.stringMatching(/watermarks\.db.*"users" at revision 1 is not a watermark/)
        ]);
        expect(await watermarks.history('users')).toEqual([]);
        await watermarks.clear();
        expect(place.sql(file => file.prepare('SELECT record FROM watermarks WHERE revision = 1').pluck().get())).toBe(
            'garbage'
        );
        await watermarks.set('users', 'v2');
        expect((await watermarks.get('users'))?.version).toBe('v2');
    });
});
