import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { describe, expect, test } from 'vitest';

import type { Watermark, WatermarkEvent, WatermarkService } from '../src/store.js';
import { eventually, Place, places, recordLog } from './support/place.js';

/** Collects what a watch of all keys says, until the end of the test. */
function collect(watermarks: WatermarkService, options: { readonly includeCurrent?: boolean } = {}) {
    const controller = new AbortController();
    const events: WatermarkEvent[] = [];
    const done = (async () => {
        for await (const event of watermarks.watchAll({ ...options, signal: controller.signal })) {
            events.push(event);
        }
    })();
    return {
        events,
        [Symbol.asyncDispose]: () => {
            controller.abort();
            return done;
        }
    };
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

/* What only SQLite has; the promises of every backend are tested by the conformance suite, in `conformance/`. */

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

    test('a watch has told what is there when it resolves, and tells nothing of what is gone', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        await watermarks.set('users', 'v1');
        await watermarks.set('gone', 'v1');
        await watermarks.delete('gone');
        const seen: string[] = [];
        const see = ({ key, version }: Watermark) => seen.push(`${key} ${version}`);
        await watermarks.watch('users', see, { includeCurrent: true });
        expect(seen).toEqual(['users v1']);
        await watermarks.watch('gone', see, { includeCurrent: true, onDelete: () => seen.push('deleted') });
        await watermarks.set('gone', 'v2');
        expect(seen).toEqual(['users v1', 'gone v2']);
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

    test('watchAll begins with the last revision of each key, whatever else is kept, in their order', async () => {
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

    test('watchAll of several pages misses no key, also while it is written to', async () => {
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

    test('watchAll tells of whatever is called after it, and of clear as a deletion of each key', async () => {
        await using place = new Place();
        const { watermarks } = await place.open(options);
        await watermarks.set('a', 'v1');
        await watermarks.set('b', 'v1');
        await watermarks.set('c', 'v1');
        await watermarks.delete('c');
        await using all = collect(watermarks);
        await watermarks.set('b', 'v2');
        await watermarks.clear();
        await eventually('all three', () => all.events.length === 3);
        expect(told(all.events)).toEqual(['b v2 5', 'a deleted 6', 'b deleted 7']);
    });
});

test('a record that is not ours is named with its revision, once for each watch, and both go on', async () => {
    await using place = new Place();
    const logger = recordLog();
    const { watermarks } = await place.open({ logger });
    const seen: string[] = [];
    await watermarks.watch('users', ({ version }) => seen.push(version));
    await using all = collect(watermarks);
    await watermarks.set('users', 'v1');
    place.sql(file => file.exec(`INSERT INTO watermarks (key, timestamp, record) VALUES ('users', 1, 'garbage')`));
    await eventually('both warnings', () => logger.warnings.length === 2);
    await watermarks.set('users', 'v2');
    expect(seen).toEqual(['v1', 'v2']);
    await eventually('the good record', () => told(all.events).includes('users v2 3'));
    const warning = expect.stringMatching(/watermarks\.db.*"users" at revision 2 is not a watermark/) as string;
    expect(logger.warnings).toEqual([warning, warning]);
});

test('nothing is kept of iterations that have ended, by the store or by a signal that lives longer', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    await using place = new Place();
    const { watermarks } = await place.open({ database: ':memory:' });
    const { signal } = new AbortController();
    const bytesAfter = async (iterations: number) => {
        for (let ended = 0; ended < iterations; ended += 1) {
            const events = watermarks.watchAll({ includeCurrent: true, signal })[Symbol.asyncIterator]();
            await events.next();
            await events.return?.();
        }
        // What was collected is told of in a later turn of the event loop.
        await new Promise(resolve => setTimeout(resolve, 50));
        collectGarbage();
        return process.memoryUsage().heapUsed;
    };
    const early = await bytesAfter(5_000);
    const late = await bytesAfter(30_000);
    expect(late - early).toBeLessThan(1_000_000);
});
