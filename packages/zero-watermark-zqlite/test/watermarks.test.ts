import { describe, expect, test } from 'vitest';

import { WatermarkErrorCode } from '../src/store.js';
import { Place, places, recordLog, rejectionOf } from './support/place.js';

const keysOf = (count: number) => Array.from({ length: count }, (_, index) => `key.${index}`);

/* What only SQLite has; the promises of every backend are tested by the conformance suite, in `conformance/`. */

describe.each(places)('watermarks $place', ({ options }) => {
    test('revisions count the changes of all keys, and times are those of this process', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        const before = Date.now();
        await watermarks.set('users', 'v1');
        const { revision, timestamp } = (await watermarks.get('users')) ?? {};
        expect(revision).toBe(1);
        expect(timestamp).toBeGreaterThanOrEqual(before);
        expect(timestamp).toBeLessThanOrEqual(Date.now());
        await watermarks.delete('users');
        // What is not there does not change.
        await watermarks.delete('users');
        await watermarks.delete('nobody');
        expect(await watermarks.create('orders', 'v1')).toBe(3);
    });

    test('compareAndSet refuses a revision that is yet to come', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        const revision = await watermarks.create('users', 'v1');
        const error = await rejectionOf(watermarks.compareAndSet('users', revision + 1, 'v2'));
        expect(error).toMatchObject({ code: WatermarkErrorCode.REVISION_CONFLICT, actualRevision: revision });
    });

    test('getAll of several pages has every key, also while it is written to', async () => {
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

    test('history goes back as far as it is kept, of which deletions are a part', async () => {
        await using place = new Place();
        const { watermarks } = await place.open({ ...options, history: 4 });
        for (const version of ['v1', 'v2', 'v3', 'v4']) {
            await watermarks.set('users', version);
            await watermarks.set('others', version);
        }
        await watermarks.delete('users');
        expect((await watermarks.history('users')).map(({ version }) => version)).toEqual(['v2', 'v3', 'v4']);
        expect((await watermarks.history('others')).map(({ revision }) => revision)).toEqual([2, 4, 6, 8]);
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

    test('clear goes through all pages, and each deletion has its revision', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        const keys = keysOf(1_300);
        await Promise.all(keys.map(key => watermarks.set(key, 'v1')));
        await watermarks.delete('key.0');
        await watermarks.clear();
        expect(await watermarks.getAll()).toEqual(new Map());
        expect(await watermarks.create('key.0', 'v2')).toBe(1_300 + 1 + 1_299 + 1);
    });
});

test('a record that is not ours is named, with the file and the reason, and left as it is', async () => {
    await using place = new Place();
    const logger = recordLog();
    const { watermarks } = await place.open({ logger, history: 3 });
    await watermarks.set('users', 'v1');
    await watermarks.set('orders', 'v1');
    place.sql(file => file.exec(`UPDATE watermarks SET record = 'garbage' WHERE key = 'users'`));
    expect(await rejectionOf(watermarks.advance('users', 'v2'))).toMatchObject({
        code: WatermarkErrorCode.CORRUPT_RECORD,
        key: 'users',
        revision: 1
    });
    expect(logger.warnings).toEqual([]);
    expect([...(await watermarks.getAll()).keys()]).toEqual(['orders']);
    expect(logger.warnings).toEqual([
        expect.stringMatching(/watermarks\.db.*"users" at revision 1 is not a watermark: it is not JSON/)
    ]);
    expect(await watermarks.history('users')).toEqual([]);
    await watermarks.clear();
    expect(place.sql(file => file.prepare('SELECT record FROM watermarks WHERE revision = 1').pluck().get())).toBe(
        'garbage'
    );
});
