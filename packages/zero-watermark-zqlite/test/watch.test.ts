import { describe, expect, test } from 'vitest';

import type { Watermark, WatermarkEvent, WatermarkService } from '../src/store.js';
import { eventually, Place, places, recordLog } from './support/place.js';

/** Collects what a watch of all keys says, until the end of the test. */
function collect(
    watermarks: WatermarkService,
    options: { readonly prefix?: string; readonly includeCurrent?: boolean }
) {
    const controller = new AbortController();
    const events: WatermarkEvent[] = [];
    const done = (async () => {
        for await (const event of watermarks.watchAll({ ...options, signal: controller.signal })) {
            events.push(event);
        }
    })();
    const stop = async () => {
        controller.abort();
        await done;
    };
    return { events, stop, [Symbol.asyncDispose]: stop };
}

function told(events: readonly WatermarkEvent[]): string[] {
    return events.map(event => {
        switch (event.type) {
            case 'set':
                return `${event.watermark.key} ${event.watermark.version} ${event.watermark.revision}`;
            case 'delete':
                return `${event.key} deleted ${event.revision}`;
            default:
                return event.type;
        }
    });
}

describe.each(places)('watching $place', ({ options }) => {
    test('a watch is told of each change, in order, when it is acknowledged at the latest', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        await watermarks.set('users', 'v0');
        const log: string[] = [];
        await watermarks.watch('users', ({ revision }) => log.push(`set ${revision}`), {
            onDelete: ({ key, revision, timestamp }) => log.push(`delete ${key} ${revision} ${timestamp > 0}`)
        });
        await watermarks.set('users', 'v1');
        expect(log).toEqual(['set 2']);
        await watermarks.delete('users');
        await watermarks.set('others', 'v1');
        await watermarks.create('users', 'v2');
        expect(log).toEqual(['set 2', 'delete users 3 true', 'set 5']);
    });

    test('includeCurrent begins with what is there', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        await watermarks.set('users', 'v1');
        await watermarks.set('gone', 'v1');
        await watermarks.delete('gone');
        const seen: string[] = [];
        const see = (watermark: Watermark) => seen.push(`${watermark.key} ${watermark.version}`);
        await watermarks.watch('users', see, { includeCurrent: true });
        await watermarks.watch('gone', see, { includeCurrent: true, onDelete: () => seen.push('deleted') });
        await watermarks.set('users', 'v2');
        expect(seen).toEqual(['users v1', 'users v2']);
    });

    test('a callback that throws or rejects is logged, and the watch goes on', async () => {
        await using place = new Place();
        const logger = recordLog();
        const { watermarks } = await place.open({ ...options, logger });
        const seen: string[] = [];
        await watermarks.watch('users', ({ version }) => {
            seen.push(version);
            throw new Error(`thrown at ${version}`);
        });
        const rejecting: (watermark: Watermark) => unknown = ({ version }) =>
            Promise.reject(new Error(`rejected at ${version}`));
        await watermarks.watch('users', rejecting);
        await watermarks.set('users', 'v1');
        await watermarks.set('users', 'v2');
        await eventually('all failures', () => logger.errors.length === 4);
        expect(seen).toEqual(['v1', 'v2']);
        expect(logger.errors.map(({ error }) => String(error)).toSorted()).toEqual([
            'Error: rejected at v1',
            'Error: rejected at v2',
            'Error: thrown at v1',
            'Error: thrown at v2'
        ]);
        expect(logger.errors[0]?.message).toContain('"users"');
    });

    test('a callback may write, watch and stop', async () => {
        await using place = new Place();
        const { watermarks } = await place.open({ ...options, history: 5 });
        const seen: string[] = [];
        const stop = await watermarks.watch('users', ({ version }) => {
            seen.push(version);
            stop();
            void watermarks.set('users', `${version}+`);
            void watermarks.watch('users', watermark => seen.push(`inner ${watermark.version}`));
        });
        await Promise.all([watermarks.set('users', 'v1'), watermarks.set('users', 'v2')]);
        await eventually('the write of the callback', () => seen.includes('inner v1+'));
        expect(seen).toEqual(['v1', 'inner v1+']);
        stop();
    });

    test('fifty watches of one key, and of as many others', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        const counts = Array.from({ length: 50 }, () => 0);
        const stops = await Promise.all(
            counts.flatMap((_, index) => [
                watermarks.watch('users', () => (counts[index] = (counts[index] ?? 0) + 1)),
                watermarks.watch(`other.${index}`, () => (counts[index] = 100))
            ])
        );
        await watermarks.set('users', 'v1');
        expect(counts.every(count => count === 1)).toBe(true);
        stops.forEach(stop => stop());
        await watermarks.set('users', 'v2');
        expect(counts.every(count => count === 1)).toBe(true);
    });

    test('a record that is not ours is logged, and the watch goes on', async () => {
        await using place = new Place();
        const logger = recordLog();
        const { watermarks } = await place.open({ logger });
        const seen: string[] = [];
        await watermarks.watch('users', ({ version }) => seen.push(version));
        await using all = collect(watermarks, {});
        await watermarks.set('users', 'v1');
        place.sql(file => file.exec(`INSERT INTO watermarks (key, timestamp, record) VALUES ('users', 1, 'garbage')`));
        await eventually('both warnings', () => logger.warnings.length === 2);
        await watermarks.set('users', 'v2');
        expect(seen).toEqual(['v1', 'v2']);
        await eventually('the good record', () => told(all.events).includes('users v2 3'));
        expect(logger.warnings.join()).toMatch(/"users" at revision 2 is not a watermark/);
    });

    describe('watchAll', () => {
        test('begins with all that is there, says so, and goes on with changes', async () => {
            await using place = new Place();
            const { watermarks } = await place.open({ ...options, history: 3 });
            await watermarks.set('a', 'v0');
            await watermarks.set('a', 'v1');
            await watermarks.set('gone', 'v1');
            await watermarks.delete('gone');
            await watermarks.set('b', 'v1');
            await using all = collect(watermarks, { includeCurrent: true });
            await eventually('all that was there', () => all.events.at(-1)?.type === 'current-complete');
            await watermarks.set('a', 'v2');
            await watermarks.delete('b');
            await eventually('both changes', () => all.events.at(-1)?.type === 'delete');
            expect(told(all.events)).toEqual(['a v1 2', 'b v1 5', 'current-complete', 'a v2 6', 'b deleted 7']);
        });

        test('without includeCurrent it begins with what comes', async () => {
            await using place = new Place();
            const { watermarks } = await place.open(options);
            await watermarks.set('a', 'v1');
            await using all = collect(watermarks, {});
            await watermarks.set('a', 'v2');
            await eventually('the change', () => all.events.length > 0);
            expect(told(all.events)).toEqual(['a v2 2']);
        });

        test('a prefix narrows it', async () => {
            await using place = new Place();
            const { watermarks } = await place.open(options);
            await using all = collect(watermarks, { prefix: 'tenant.', includeCurrent: true });
            await eventually('the mark', () => all.events.length === 1);
            for (const key of ['tenant', 'tenant.a', 'other', 'tenant.ü', 'tenants.b', 'tenant.end']) {
                await watermarks.set(key, 'v1');
            }
            await watermarks.delete('tenant.a');
            await eventually('the last key', () => told(all.events).includes('tenant.a deleted 7'));
            expect(told(all.events)).toEqual([
                'current-complete',
                'tenant.a v1 2',
                'tenant.ü v1 4',
                'tenant.end v1 6',
                'tenant.a deleted 7'
            ]);
        });

        test('more than a page, while it is written to: no key is missed', async () => {
            await using place = new Place();
            const { watermarks } = await place.open(options);
            const keys = Array.from({ length: 1_700 }, (_, index) => `key.${index}`);
            await Promise.all(keys.map(key => watermarks.set(key, 'v1')));
            await using all = collect(watermarks, { includeCurrent: true });
            await Promise.all(keys.slice(0, 900).map(key => watermarks.set(key, 'v2')));
            await eventually('the mark', () => all.events.some(({ type }) => type === 'current-complete'));
            await watermarks.set('last', 'v1');
            await eventually('the last', () => told(all.events).at(-1)?.startsWith('last ') === true);
            const newest = new Map(
                all.events.flatMap(event =>
                    event.type === 'set' ? [[event.watermark.key, event.watermark.version] as const] : []
                )
            );
            expect(newest.size).toBe(1_701);
            expect(keys.every((key, index) => newest.get(key) === (index < 900 ? 'v2' : 'v1'))).toBe(true);
            const revisions = all.events.flatMap(event => (event.type === 'set' ? [event.watermark.revision] : []));
            expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
        });

        test('ends when the signal aborts (before, meanwhile, waiting), when left, and when the store closes', async () => {
            await using place = new Place();
            const store = await place.open(options);
            const { watermarks } = store;
            await Promise.all(['a', 'b', 'c'].map(key => watermarks.set(key, 'v1')));
            const seen: string[] = [];
            for await (const event of watermarks.watchAll({ includeCurrent: true, signal: AbortSignal.abort() })) {
                seen.push(event.type);
            }
            expect(seen).toEqual([]);
            const meanwhile = new AbortController();
            for await (const event of watermarks.watchAll({ includeCurrent: true, signal: meanwhile.signal })) {
                seen.push(event.type);
                meanwhile.abort();
            }
            expect(seen).toEqual(['set']);
            for await (const event of watermarks.watchAll({ includeCurrent: true })) {
                if (event.type === 'current-complete') {
                    break;
                }
            }
            const waiting = collect(watermarks, { includeCurrent: true });
            await eventually('the mark', () => waiting.events.length === 4);
            await waiting.stop();
            const closed = collect(watermarks, { includeCurrent: true });
            await eventually('the mark', () => closed.events.length === 4);
            await store.close();
            await closed.stop();
        });

        test('clear is seen as a deletion of each', async () => {
            await using place = new Place();
            const { watermarks } = await place.open(options);
            await watermarks.set('a', 'v1');
            await watermarks.set('b', 'v1');
            await watermarks.set('c', 'v1');
            await watermarks.delete('c');
            await using all = collect(watermarks, {});
            await watermarks.clear();
            await eventually('both', () => all.events.length === 2);
            expect(told(all.events)).toEqual(['a deleted 5', 'b deleted 6']);
        });
    });
});
