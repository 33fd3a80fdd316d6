import { WatermarkErrorCode } from '../../errors.js';
import type { Watermark } from '../../watermark.js';
import { equals, grows, holds, matches, rejectionOf } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';
import { isSaidOrTakenBack } from './iteration.js';

const withInstances = given({ needs: ['instances'] });
const versionsOf = (watermarks: readonly Watermark[]) => watermarks.map(({ version }) => version);

/** Events of one key as text, so that sets and deletions can be compared in one list. */
const setText = ({ key, version }: Watermark) => `set ${key} ${version}`;

export const watching: Topic = {
    service: 'WatermarkService',
    name: 'watch',
    promises: [
        promise('tells of every change that is made one after another, as get gives it', async scene => {
            const { watermarks, key, recorder } = scene;
            const seen = recorder<Watermark>();
            await watermarks.watch(key(), seen.add);
            const stored: (Watermark | null)[] = [];
            for (let n = 0; n < 10; n += 1) {
                await watermarks.set(key(), `v${n}`, { n });
                stored.push(await watermarks.get(key()));
                await seen.at(n, `change ${n}`);
            }
            equals(seen.items, stored, 'what was told');
        }),
        promise('once it has resolved, no later write is missed', async ({ watermarks, key, recorder }) => {
            for (let n = 0; n < 10; n += 1) {
                const seen = recorder<Watermark>();
                const unwatch = await watermarks.watch(key(), seen.add);
                await watermarks.set(key(), `v${n}`);
                await seen.at(0, `the write after watch ${n}`);
                unwatch();
                equals(versionsOf(seen.items), [`v${n}`], `what watch ${n} told`);
            }
        }),
        promise('does not tell of what was there before', async ({ watermarks, key, recorder }) => {
            await watermarks.set(key(), 'before');
            const seen = recorder<Watermark>();
            await watermarks.watch(key(), seen.add);
            await watermarks.set(key(), 'after');
            await seen.at(0, 'the change');
            equals(versionsOf(seen.items), ['after'], 'what was told');
        }),
        promise('includeCurrent begins with what is there', async ({ watermarks, key, recorder }) => {
            await watermarks.set(key(), 'v1', { a: 1 });
            const current = await watermarks.get(key());
            const seen = recorder<Watermark>();
            await watermarks.watch(key(), seen.add, { includeCurrent: true });
            equals(await seen.at(0, 'what is there'), current, 'the first call');
            await watermarks.set(key(), 'v2');
            await seen.at(1, 'the change');
            equals(versionsOf(seen.items), ['v1', 'v2'], 'what was told');
        }),
        promise('includeCurrent tells nothing of a key that nobody wrote', async ({ watermarks, key, recorder }) => {
            const seen = recorder<Watermark>();
            await watermarks.watch(key(), seen.add, { includeCurrent: true });
            await watermarks.set(key(), 'v1');
            await seen.at(0, 'the change');
            equals(versionsOf(seen.items), ['v1'], 'what was told');
        }),
        promise('includeCurrent tells of no deletion that is past', async ({ watermarks, key, recorder }) => {
            await watermarks.set(key(), 'v1');
            await watermarks.delete(key());
            const seen = recorder<string>();
            const options = { includeCurrent: true, onDelete: () => seen.add('deletion') };
            await watermarks.watch(key(), watermark => seen.add(watermark.version), options);
            await watermarks.set(key(), 'v2');
            await seen.until('the change', items => items.includes('v2'));
            const past = seen.items.slice(0, seen.items.indexOf('v2'));
            holds(isSaidOrTakenBack(past, 'v1', 'deletion'), `nothing that is past is left standing: ${past.join()}`);
        }),
        promise('tells of no other key', async ({ watermarks, key, recorder }) => {
            const seen = recorder<Watermark>();
            await watermarks.watch(key('a'), seen.add);
            for (const other of ['A', 'a.b', 'a ', 'b', '*']) {
                await watermarks.set(key(other), 'v1');
            }
            await watermarks.set(key('a'), 'last');
            await seen.at(0, 'the change');
            equals(
                seen.items.map(watermark => watermark.key),
                [key('a')],
                'the keys that were told of'
            );
        }),
        promise('tells of changes by every kind of write, in the order of their revisions', async scene => {
            const { watermarks, key, recorder } = scene;
            const seen = recorder<Watermark>();
            await watermarks.watch(key(), seen.add);
            const revision = await watermarks.create(key(), 'v1');
            await seen.at(0, 'create');
            await watermarks.compareAndSet(key(), revision, 'v2');
            await seen.at(1, 'compareAndSet');
            await watermarks.advance(key(), 'v3');
            await seen.at(2, 'advance');
            await watermarks.set(key(), 'v0');
            await seen.at(3, 'set');
            equals(versionsOf(seen.items), ['v1', 'v2', 'v3', 'v0'], 'the versions');
            grows(
                seen.items.map(watermark => watermark.revision),
                'the revisions'
            );
        }),
        promise('tells of no write that was refused', async ({ watermarks, key, recorder }) => {
            const first = await watermarks.create(key(), 'v1');
            await watermarks.set(key(), 'v2');
            const seen = recorder<Watermark>();
            await watermarks.watch(key(), seen.add);
            await rejectionOf(() => watermarks.create(key(), 'v3'), 'create');
            await rejectionOf(() => watermarks.compareAndSet(key(), first, 'v4'), 'compareAndSet');
            await watermarks.advance(key(), 'v0');
            await rejectionOf(() => watermarks.set(key(), ''), 'set');
            await watermarks.set(key(), 'v5');
            await seen.at(0, 'the change');
            equals(versionsOf(seen.items), ['v5'], 'what was told');
        }),
        promise('of a burst of writes the last state is told, and revisions never go back', async scene => {
            const { watermarks, key, recorder } = scene;
            const seen = recorder<Watermark>();
            await watermarks.watch(key(), seen.add);
            await Promise.all(Array.from({ length: 60 }, (_, n) => watermarks.set(key(), `v${n}`)));
            await seen.until('the last version', items => items.at(-1)?.version === 'v59');
            // What is late for its turn comes before this.
            await watermarks.set(key(), 'end');
            await seen.until('the end', items => items.at(-1)?.version === 'end');
            grows(
                seen.items.map(watermark => watermark.revision),
                'the revisions'
            );
            equals(seen.items.at(-1), await watermarks.get(key()), 'the last one told');
        }),
        promise('tells of deletions, with key, revision and time', async ({ watermarks, key, recorder }) => {
            const seen = recorder<string>();
            const deletions = recorder<{ key: string; revision: number; timestamp: number }>();
            const onDelete = (deletion: { key: string; revision: number; timestamp: number }) => {
                seen.add(`delete ${deletion.key}`);
                deletions.add(deletion);
            };
            await watermarks.watch(key(), watermark => seen.add(setText(watermark)), { onDelete });
            const before = await watermarks.create(key(), 'v1');
            await seen.at(0, 'the first set');
            await watermarks.delete(key());
            await seen.at(1, 'the deletion');
            const after = await watermarks.create(key(), 'v2');
            await seen.at(2, 'the second set');
            equals(seen.items, [`set ${key()} v1`, `delete ${key()}`, `set ${key()} v2`], 'what was told');
            const { revision, timestamp } = await deletions.at(0, 'the deletion');
            grows([before, revision, after], 'the revisions: of a set, the deletion and a set');
            holds(Math.abs(timestamp - Date.now()) < 60_000, `the time of the deletion, ${timestamp}, is now`);
        }),
        promise('a deletion is no call of the callback', async ({ watermarks, key, recorder }) => {
            await watermarks.set(key(), 'v1');
            const seen = recorder<Watermark>();
            await watermarks.watch(key(), seen.add);
            await watermarks.delete(key());
            await watermarks.set(key(), 'v2');
            await seen.at(0, 'the change');
            equals(versionsOf(seen.items), ['v2'], 'what was told');
        }),
        promise('two watches of one key hear the same', async ({ watermarks, key, recorder }) => {
            const [one, two] = [recorder<Watermark>(), recorder<Watermark>()];
            await watermarks.watch(key(), one.add);
            await watermarks.watch(key(), two.add);
            await watermarks.set(key(), 'v1', { a: 1 });
            equals(await one.at(0, 'the first watch'), await two.at(0, 'the second watch'), 'what both told');
        }),
        promise('what a callback does to a watermark, no other callback and no reader sees', async scene => {
            const { watermarks, key, recorder } = scene;
            const [one, two] = [recorder<Watermark>(), recorder<Watermark>()];
            const spoil = (watermark: Watermark) => {
                (watermark.data as { list: number[] }).list.push(2);
                watermark.version = 'spoilt';
            };
            for (const seen of [one, two]) {
                await watermarks.watch(key(), watermark => {
                    seen.add(structuredClone(watermark));
                    spoil(watermark);
                });
            }
            await watermarks.set(key(), 'v1', { list: [1] });
            for (const seen of [one, two]) {
                matches(await seen.at(0, 'the change'), { version: 'v1', data: { list: [1] } }, 'what was told');
            }
            matches(await watermarks.get(key()), { version: 'v1', data: { list: [1] } }, 'get');
        }),
        promise('after the returned function was called no call comes', async ({ watermarks, key, recorder }) => {
            const [ended, other] = [recorder<Watermark>(), recorder<Watermark>()];
            const unwatch = await watermarks.watch(key(), ended.add);
            await watermarks.watch(key(), other.add);
            await watermarks.set(key(), 'v1');
            await ended.at(0, 'the change before');
            unwatch();
            unwatch();
            await watermarks.set(key(), 'v2');
            await other.until('the change after, told by another watch', items => items.at(-1)?.version === 'v2');
            equals(versionsOf(ended.items), ['v1'], 'what the ended watch told');
        }),
        promise('a callback can end its own watch, with more changes on their way', async scene => {
            const { watermarks, key, recorder } = scene;
            const [ended, other] = [recorder<Watermark>(), recorder<Watermark>()];
            const unwatch = await watermarks.watch(key(), watermark => {
                ended.add(watermark);
                unwatch();
            });
            await watermarks.watch(key(), other.add);
            await Promise.all([1, 2, 3].map(n => watermarks.set(key(), `v${n}`)));
            await watermarks.set(key(), 'last');
            await other.until('the last change', items => items.at(-1)?.version === 'last');
            await ended.at(0, 'the call that ended the watch');
            equals(ended.items.length, 1, 'how often the ended watch called');
        }),
        promise('a key that is none is refused', async ({ watermarks }) => {
            const call = () => watermarks.watch('\uD800', () => {});
            matches(await rejectionOf(call, 'watch'), { code: WatermarkErrorCode.INVALID_KEY }, 'the error');
        }),
        withInstances('tells of what another instance writes and deletes', async scene => {
            const { watermarks, key, recorder, otherWatermarks } = scene;
            const other = await otherWatermarks();
            const seen = recorder<string>();
            const onDelete = (deletion: { key: string }) => seen.add(`delete ${deletion.key}`);
            await watermarks.watch(key(), watermark => seen.add(setText(watermark)), { onDelete });
            await other.set(key(), 'v1');
            await seen.at(0, 'the set of the other');
            await other.delete(key());
            await seen.at(1, 'the deletion of the other');
            await other.create(key(), 'v2');
            await seen.at(2, 'the create of the other');
            equals(seen.items, [`set ${key()} v1`, `delete ${key()}`, `set ${key()} v2`], 'what was told');
        }),
        withInstances('of instances that write at once the last state is told, in order', async scene => {
            const { watermarks, key, recorder, otherWatermarks } = scene;
            const writers = [watermarks, await otherWatermarks()];
            const seen = recorder<Watermark>();
            await watermarks.watch(key(), seen.add);
            await Promise.all(
                writers.map(async (writer, w) => {
                    for (let n = 0; n < 15; n += 1) {
                        await writer.set(key(), `v${w}-${n}`);
                    }
                })
            );
            const last = await watermarks.get(key());
            await seen.until('the last state', items => items.at(-1)?.revision === last?.revision);
            equals(seen.items.at(-1), last, 'the last one told');
            await watermarks.set(key(), 'end');
            await seen.until('the end', items => items.at(-1)?.version === 'end');
            grows(
                seen.items.map(watermark => watermark.revision),
                'the revisions'
            );
        })
    ]
};
