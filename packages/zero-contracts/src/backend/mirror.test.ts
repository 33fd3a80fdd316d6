import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { WatermarkChange } from '../watermark.js';
import { Mirror, placeOf } from './mirror.js';

const set = (key: string, revision: number, timestamp = revision): WatermarkChange => ({
    type: 'set',
    watermark: { key, version: `v${revision}`, revision, timestamp }
});
const deletion = (key: string, revision: number): WatermarkChange => ({
    type: 'delete',
    key,
    revision,
    timestamp: revision
});

function contentOf(mirror: Mirror): Record<string, number> {
    return Object.fromEntries([...mirror.entries].map(([key, { revision }]) => [key, revision]));
}

describe('own writes', () => {
    test('are there before the store tells of them, and are no change again when it does', () => {
        const mirror = new Mirror();
        expect(mirror.wrote(set('k', 5, 1_000))).toEqual(set('k', 5, 1_000));
        expect(mirror.told(set('k', 5, 999))).toBeUndefined();
        // The store's time is the right one.
        expect(mirror.entries.get('k')?.timestamp).toBe(999);
    });

    test('are not put back by what the store tells of the time before', () => {
        const mirror = new Mirror();
        mirror.told(set('k', 1));
        mirror.wrote(set('k', 5));
        expect([mirror.told(set('k', 3)), mirror.told(deletion('k', 4))]).toEqual([undefined, undefined]);
        expect(contentOf(mirror)).toEqual({ k: 5 });
    });

    test('that are deletions are not put back either', () => {
        const mirror = new Mirror();
        mirror.told(set('k', 1));
        expect(mirror.wrote(deletion('k', 5))).toEqual(deletion('k', 5));
        expect([mirror.told(set('k', 3)), mirror.told(deletion('k', 5))]).toEqual([undefined, undefined]);
        expect(contentOf(mirror)).toEqual({});
        expect(mirror.told(set('k', 6))).toEqual(set('k', 6));
    });

    test('that were acknowledged in another order than they were stored end at the newest', () => {
        const mirror = new Mirror();
        mirror.wrote(set('k', 6));
        mirror.wrote(deletion('k', 5));
        expect(contentOf(mirror)).toEqual({ k: 6 });
    });

    test('that come after the store has told of newer ones are no change', () => {
        const mirror = new Mirror();
        mirror.told(deletion('k', 7));
        expect(mirror.wrote(set('k', 5))).toBeUndefined();
        expect(contentOf(mirror)).toEqual({});
    });
});

test('whenever own writes are heard of, no key goes back, and all ends as the store has it', () => {
    const write = fc.record({
        key: fc.constantFrom('a', 'b', 'c'),
        isSet: fc.boolean(),
        isOwn: fc.boolean(),
        // How many of the store's events come before, or after, the acknowledgement of this write.
        offset: fc.integer({ min: -4, max: 4 })
    });
    fc.assert(
        fc.property(fc.array(write, { maxLength: 40 }), writes => {
            const changes = writes.map(({ key, isSet }, index) =>
                isSet ? set(key, index + 1) : deletion(key, index + 1)
            );
            const told = changes.map((change, index) => ({ at: index, own: false, change }));
            const own = changes.flatMap((change, index) =>
                writes[index]?.isOwn === true
                    ? [{ at: index + (writes[index]?.offset ?? 0) - 0.5, own: true, change }]
                    : []
            );
            const mirror = new Mirror();
            const seen = new Map<string, number>();
            for (const { own: isOwn, change } of [...told, ...own].toSorted((a, b) => a.at - b.at)) {
                const changed = isOwn ? mirror.wrote(change) : mirror.told(change);
                const { key, revision } = placeOf(change);
                if (changed !== undefined) {
                    expect(revision).toBeGreaterThan(seen.get(key) ?? 0);
                    seen.set(key, revision);
                }
                if (isOwn) {
                    // It is there, or something newer has taken its place.
                    expect(mirror.entries.get(key)?.revision ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(
                        change.type === 'set' ? revision : 0
                    );
                }
            }
            const expected = new Map<string, number>();
            for (const change of changes) {
                const { key, revision } = placeOf(change);
                expected.delete(key);
                if (change.type === 'set') {
                    expected.set(key, revision);
                }
            }
            expect(contentOf(mirror)).toEqual(Object.fromEntries(expected));
        })
    );
});

describe('when the store holds other data', () => {
    test('what it tells takes the place of whatever is here, and what it does not tell of goes', () => {
        const mirror = new Mirror();
        ['changed', 'gone', 'kept'].forEach((key, index) => mirror.told(set(key, index + 10)));
        mirror.begunAnew();
        expect(mirror.told(set('changed', 1))).toEqual(set('changed', 1));
        expect(mirror.told(set('kept', 12))).toBeUndefined();
        expect(contentOf(mirror)).toEqual({ changed: 1, gone: 11, kept: 12 });
        expect(mirror.complete(99)).toEqual([{ type: 'delete', key: 'gone', revision: 11, timestamp: 99 }]);
        expect(contentOf(mirror)).toEqual({ changed: 1, kept: 12 });
        expect(mirror.complete(99)).toEqual([]);
    });

    test('own writes count from its revisions', () => {
        const mirror = new Mirror();
        mirror.told(set('k', 10));
        mirror.wrote(deletion('l', 11));
        mirror.begunAnew();
        mirror.told(set('k', 1));
        mirror.told(set('l', 2));
        expect(mirror.wrote(set('k', 3))).toEqual(set('k', 3));
        expect(contentOf(mirror)).toEqual({ k: 3, l: 2 });
    });

    test('another write at the same revision is a change', () => {
        const mirror = new Mirror();
        mirror.told(set('k', 1, 1_000));
        mirror.begunAnew();
        expect(mirror.told(set('k', 1, 2_000))).toEqual(set('k', 1, 2_000));
    });
});
