import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import type { WatermarkService } from '../src/store.js';
import { eventually, Place, recordLog } from './support/place.js';

const KEYS = 200_000;

/** A store with as many keys as take a while to be read. */
async function openFilled(place: Place) {
    const store = await place.open({ logger: recordLog() });
    place.sql(file =>
        file.exec(
            `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${KEYS})
             INSERT INTO watermarks (key, timestamp, record)
                SELECT 'key.' || n, 1, '{"format":1,"version":"v1"}' FROM numbers`
        )
    );
    return store;
}

/** Reads all keys; gives how many there are in the end. */
const ways: readonly { readonly way: string; readonly read: (watermarks: WatermarkService) => Promise<number> }[] = [
    { way: 'getAll', read: async watermarks => (await watermarks.getAll()).size },
    {
        way: 'the start of a view',
        read: async watermarks => {
            await using view = watermarks.view({ maxEntries: 2 * KEYS });
            await view.ready;
            return view.size;
        }
    },
    {
        way: 'the start of watchAll',
        read: async watermarks => {
            const keys = new Set<string>();
            for await (const event of watermarks.watchAll({ includeCurrent: true })) {
                if (event.type === 'current-complete') {
                    break;
                }
                keys.add(event.type === 'set' ? event.watermark.key : '');
            }
            return keys.size;
        }
    }
];

describe.each(ways)('$way of many keys', ({ read }) => {
    test('lets others have their turn', async () => {
        await using place = new Place();
        const { watermarks } = await openFilled(place);
        let turns = 0;
        const timer = setInterval(() => (turns += 1), 1);
        expect(await read(watermarks)).toBe(KEYS);
        clearInterval(timer);
        expect(turns).toBeGreaterThan(3);
    });

    test('has each of them, also those that this process and others write meanwhile', async () => {
        await using place = new Place();
        const { watermarks } = await openFilled(place);
        const others = (await place.open()).watermarks;
        let reading = true;
        let written = 0;
        const writing = (async () => {
            while (reading) {
                // Not read yet, and moved beyond all that was there at the beginning.
                const some = Array.from({ length: 25 }, (_, index) => written + index);
                await Promise.all([
                    ...some.map(each => watermarks.set(`key.${KEYS - 1 - each}`, 'v2')),
                    ...some.map(each => others.set(`key.${KEYS / 2 + each}`, 'v2'))
                ]);
                written += some.length;
            }
        })();
        try {
            expect(await read(watermarks)).toBe(KEYS);
        } finally {
            reading = false;
            await writing;
        }
        expect(written).toBeGreaterThan(25);
    });
});

test('a view that begins while keys are deleted has none of them in the end', async () => {
    await using place = new Place();
    const { watermarks } = await openFilled(place);
    const others = (await place.open()).watermarks;
    await using view = watermarks.view({ maxEntries: 2 * KEYS });
    let loading = true;
    const deleting = (async () => {
        let deleted = 0;
        for (; loading; deleted += 2) {
            await Promise.all([watermarks.delete(`key.${deleted}`), others.delete(`key.${KEYS - 1 - deleted}`)]);
        }
        return deleted;
    })();
    await view.ready;
    loading = false;
    const left = KEYS - (await deleting);
    expect(left).toBeLessThan(KEYS - 2);
    await eventually('the deletions of the other', () => view.size === left);
    expect(new Map(view.entries())).toEqual(await watermarks.getAll());
});

test('getAll under which another file is put has what is in one of them, and nothing else', async () => {
    await using place = new Place();
    const copy = join(place.folder, 'copy.db');
    const other = await place.open({ database: copy });
    await other.watermarks.set('users', 'v1');
    await other.close();
    const { watermarks } = await openFilled(place);
    const reading = watermarks.getAll();
    await new Promise(resolve => setImmediate(resolve));
    renameSync(copy, place.database);
    const all = await reading;
    expect([1, KEYS]).toContain(all.size);
    expect(all.has('users')).toBe(all.size === 1);
});
