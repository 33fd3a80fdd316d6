import type { WatermarkEvent } from '../../watermark.js';
import { equals, grows, holds, matches, present } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';
import { complete, isSaidOrTakenBack, iterate, textOf, textsOf } from './iteration.js';

const alone = given({ alone: true });
const withInstances = given({ needs: ['instances'] });

function revisionOf(event: WatermarkEvent | undefined): number {
    const revision = event?.type === 'set' ? event.watermark.revision : (event as { revision?: number }).revision;
    return present(revision, 'the revision of an event');
}

export const watchingAll: Topic = {
    service: 'WatermarkService',
    name: 'watchAll',
    promises: [
        promise('includeCurrent tells all that is there, says so once, and goes on with changes', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key('a'), 'v1', { a: 1 });
            await watermarks.set(key('b'), 'v1');
            const there = await watermarks.getMany([key('a'), key('b')]);
            await using iteration = iterate(scene, watermarks);
            await complete(iteration);
            const current = iteration.events.items.flatMap(event => (event.type === 'set' ? [event.watermark] : []));
            equals(new Map(current.map(watermark => [watermark.key, watermark])), there, 'what is there');
            await watermarks.set(key('a'), 'v2');
            await iteration.events.at(3, 'the first change');
            await watermarks.set(key('c'), 'v1');
            await iteration.events.at(4, 'the second change');
            const rest = textsOf(iteration.events.items.slice(2));
            equals(rest, ['current-complete', `set ${key('a')} v2`, `set ${key('c')} v1`], 'what was told then');
        }),
        promise('where nothing is there, that is said at once', async scene => {
            await using iteration = iterate(scene, scene.watermarks);
            await complete(iteration);
            equals(iteration.events.items, [{ type: 'current-complete' }], 'what was told');
        }),
        promise('deletions that are past are no part of what is there', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key('gone'), 'v1');
            await watermarks.set(key('there'), 'v1');
            await watermarks.delete(key('gone'));
            await using iteration = iterate(scene, watermarks);
            await complete(iteration);
            const told = textsOf(iteration.events.items);
            const past = told.filter(text => text.includes(key('gone')));
            const restored = isSaidOrTakenBack(past, `set ${key('gone')} v1`, `delete ${key('gone')}`);
            holds(restored, `nothing that is past is left standing: ${past.join()}`);
            const rest = told.filter(text => !past.includes(text));
            equals(rest, [`set ${key('there')} v1`, 'current-complete'], 'the rest of what was told');
        }),
        promise('the last word about each key that is there is its last revision', async scene => {
            const { watermarks, key } = scene;
            const keys = [1, 2, 3, 4, 5].map(n => key(String(n)));
            for (const version of ['v1', 'v2', 'v3']) {
                await Promise.all(keys.map(each => watermarks.set(each, version)));
            }
            await using iteration = iterate(scene, watermarks);
            await complete(iteration);
            const last = new Map<string, string>();
            for (const event of iteration.events.items) {
                if (event.type === 'set') {
                    last.set(event.watermark.key, event.watermark.version);
                }
            }
            equals(last, new Map(keys.map(each => [each, 'v3'])), 'what was told last of each');
        }),
        alone('keys that are written all the time are in what is told first, and in getAll', async scene => {
            const { watermarks } = scene;
            const keys = Array.from({ length: 300 }, (_, n) => `k${n}`);
            await Promise.all(keys.map(key => watermarks.set(key, 'v')));
            let reading = true;
            const writing = (async () => {
                for (let n = 0; reading; n += 1) {
                    await Promise.all(keys.slice(0, 50).map(key => watermarks.set(key, `w${n}`)));
                    // A store that answers at once must not keep others from their turn.
                    await new Promise(resolve => setTimeout(resolve));
                }
            })();
            try {
                for (let round = 0; round < 10; round += 1) {
                    const told = new Set<string>();
                    for await (const event of watermarks.watchAll({ includeCurrent: true })) {
                        if (event.type === 'current-complete') {
                            break;
                        }
                        told.add(event.type === 'set' ? event.watermark.key : '');
                    }
                    equals(told.size, keys.length, `how many keys were told, round ${round}`);
                    equals((await watermarks.getAll()).size, keys.length, `how many getAll has, round ${round}`);
                }
            } finally {
                reading = false;
                await writing;
            }
        }),
        promise('changes of all keys come in the order of their revisions, deletions among them', async scene => {
            const { watermarks, key } = scene;
            await using iteration = iterate(scene, watermarks);
            await complete(iteration);
            await watermarks.set(key('a'), 'v1');
            await watermarks.set(key('b'), 'v1');
            await iteration.events.until('both sets', ({ length }) => length >= 3);
            await watermarks.delete(key('a'));
            await iteration.events.until('the deletion', ({ length }) => length >= 4);
            await watermarks.set(key('a'), 'v2');
            await iteration.events.until('the last set', ({ length }) => length >= 5);
            const [set, , deletion, again] = iteration.events.items.slice(1);
            const expected = [`set ${key('a')} v1`, `set ${key('b')} v1`, `delete ${key('a')}`, `set ${key('a')} v2`];
            equals(textsOf(iteration.events.items.slice(1)), expected, 'what was told');
            grows([revisionOf(set), revisionOf(deletion), revisionOf(again)], 'the revisions of one key');
            const { timestamp, ...rest } = deletion as Extract<WatermarkEvent, { type: 'delete' }>;
            equals(rest, { type: 'delete', key: key('a'), revision: revisionOf(deletion) }, 'the deletion');
            holds(Math.abs(timestamp - Date.now()) < 60_000, `its time, ${timestamp}, is now`);
        }),
        promise('a set is told as get gives it', async scene => {
            const { watermarks, key } = scene;
            await using iteration = iterate(scene, watermarks);
            await complete(iteration);
            await watermarks.set(key(), 'v1', { a: [1] });
            const event = await iteration.events.at(1, 'the change');
            equals(event, { type: 'set', watermark: await watermarks.get(key()) }, 'what was told');
        }),
        promise('without includeCurrent it tells changes alone, from the first next() on', async scene => {
            const { watermarks, key, prefix, soon } = scene;
            await watermarks.set(key(), 'before');
            const iterator = watermarks.watchAll({ prefix })[Symbol.asyncIterator]();
            await watermarks.set(key(), 'still before');
            const first = soon(iterator.next(), 'the first event');
            let told = false;
            const waiting = first.finally(() => (told = true));
            for (let n = 0; !told; n += 1) {
                // When watching has begun is not said, so write until a write is told.
                await watermarks.set(key(), `after ${n}`);
                // A store that answers at once would leave no time for anything else.
                await new Promise(resolve => setTimeout(resolve));
            }
            const { value } = (await waiting) as IteratorYieldResult<WatermarkEvent>;
            await iterator.return?.();
            holds(textOf(value).startsWith(`set ${key()} after`), `the first event is a change: ${textOf(value)}`);
        }),
        promise('a prefix is taken literally, whatever is in it', async scene => {
            const { watermarks, key } = scene;
            const keys = ['a_b', 'a_', 'aXb', 'a%', 'a%b', 'a*', 'a.b', 'ab', 'A_b', 'ü.b', 'ü'].map(key);
            await Promise.all(keys.map(each => watermarks.set(each, 'v1')));
            for (const name of ['a_', 'a%', 'a*', 'a.', 'a', 'ü', 'none']) {
                const prefix = key(name);
                await using iteration = iterate(scene, watermarks, { prefix });
                await complete(iteration);
                const told = textsOf(iteration.events.items).slice(0, -1).toSorted();
                const expected = keys.filter(each => each.startsWith(prefix)).map(each => `set ${each} v1`);
                equals(told, expected.toSorted(), `what is there under ${JSON.stringify(prefix)}`);
            }
        }),
        promise('a prefix narrows changes and deletions too', async scene => {
            const { watermarks, key } = scene;
            await using iteration = iterate(scene, watermarks, { prefix: key('in') });
            await complete(iteration);
            for (const name of ['out', 'in.1', 'i', 'IN', 'in']) {
                await watermarks.set(key(name), 'v1');
            }
            await watermarks.delete(key('out'));
            await watermarks.delete(key('in.1'));
            await iteration.events.until('the deletion', items => items.at(-1)?.type === 'delete');
            const expected = [
                'current-complete',
                `set ${key('in.1')} v1`,
                `set ${key('in')} v1`,
                `delete ${key('in.1')}`
            ];
            equals(textsOf(iteration.events.items), expected, 'what was told');
        }),
        alone('without a prefix it tells of every key', async scene => {
            const { watermarks } = scene;
            await Promise.all(['', 'a', 'ü', '*'].map(key => watermarks.set(key, 'v1')));
            await using iteration = iterate(scene, watermarks, { prefix: '' });
            await complete(iteration);
            const told = textsOf(iteration.events.items).slice(0, -1).toSorted();
            equals(
                told,
                ['', '*', 'a', 'ü'].map(key => `set ${key} v1`),
                'what was told'
            );
        }),
        promise('a signal that has aborted before ends it at once', async scene => {
            const { watermarks, key, prefix } = scene;
            await watermarks.set(key(), 'v1');
            const events: WatermarkEvent[] = [];
            for await (const event of watermarks.watchAll({
                prefix,
                includeCurrent: true,
                signal: AbortSignal.abort()
            })) {
                events.push(event);
            }
            equals(events, [], 'what was told');
        }),
        promise('a signal ends it while it waits, without an error', async scene => {
            const iteration = iterate(scene, scene.watermarks);
            await complete(iteration);
            iteration.abort();
            await iteration.ended();
        }),
        promise('a signal ends it with events pending: none of them is told', async scene => {
            const { watermarks, key, prefix } = scene;
            await Promise.all([1, 2, 3].map(n => watermarks.set(key(String(n)), 'v1')));
            const stop = new AbortController();
            const events: WatermarkEvent[] = [];
            for await (const event of watermarks.watchAll({ prefix, includeCurrent: true, signal: stop.signal })) {
                events.push(event);
                stop.abort();
            }
            equals(events.length, 1, 'how many events were told');
        }),
        promise('a consumer that leaves the loop ends it, and can begin another', async scene => {
            const { watermarks, key, prefix } = scene;
            await watermarks.set(key(), 'v1');
            for (let round = 0; round < 3; round += 1) {
                for await (const event of watermarks.watchAll({ prefix, includeCurrent: true })) {
                    equals(textOf(event), `set ${key()} v1`, `the first event of round ${round}`);
                    break;
                }
            }
        }),
        promise('a slow consumer misses no last state', async scene => {
            const { watermarks, key, prefix, soon } = scene;
            const keys = Array.from({ length: 20 }, (_, n) => key(String(n)));
            const last = new Map<string, string>();
            let writing: Promise<unknown> | undefined;
            const writeAll = async () => {
                for (const version of ['v1', 'v2', 'v3']) {
                    await Promise.all(keys.map(each => watermarks.set(each, version)));
                }
            };
            const consume = async () => {
                for await (const event of watermarks.watchAll({ prefix, includeCurrent: true })) {
                    // All is written while the consumer is still at its first event.
                    await (writing ??= writeAll());
                    if (event.type === 'set') {
                        last.set(event.watermark.key, event.watermark.version);
                    }
                    if (last.size === keys.length && [...last.values()].every(version => version === 'v3')) {
                        return;
                    }
                }
            };
            await soon(consume(), 'the last state of every key');
        }),
        promise('two iterations tell the same, and one ends without the other', async scene => {
            const { watermarks, key } = scene;
            await using one = iterate(scene, watermarks);
            await using two = iterate(scene, watermarks);
            await Promise.all([complete(one), complete(two)]);
            await watermarks.set(key(), 'v1');
            const first = await one.events.at(1, 'the change, told by the first');
            equals(await two.events.at(1, 'the change, told by the second'), first, 'what the second told');
            one.abort();
            await one.ended();
            await watermarks.set(key(), 'v2');
            matches(
                await two.events.at(2, 'the next change'),
                { watermark: { version: 'v2' } },
                'what the second told'
            );
            equals(one.events.items.length, 2, 'how many events the ended one told');
        }),
        withInstances('tells of what another instance writes and deletes', async scene => {
            const { watermarks, key, otherWatermarks } = scene;
            const other = await otherWatermarks();
            await using iteration = iterate(scene, watermarks);
            await complete(iteration);
            await other.set(key(), 'v1');
            await iteration.events.at(1, 'the set');
            await other.delete(key());
            await iteration.events.at(2, 'the deletion');
            equals(textsOf(iteration.events.items).slice(1), [`set ${key()} v1`, `delete ${key()}`], 'what was told');
        })
    ]
};
