import { equals, grows, holds, matches, present } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';

/** How far the store's clock may be from this process's. */
const CLOCK_TOLERANCE_MS = 60_000;

const withInstances = given({ needs: ['instances'] });

export const getAndSet: Topic = {
    service: 'WatermarkService',
    name: 'get and set',
    promises: [
        promise('a key that nobody wrote has no watermark', async ({ watermarks, key }) => {
            equals(await watermarks.get(key()), null, 'get');
        }),
        promise('what was set is there, under its key, with its data', async ({ watermarks, key }) => {
            equals(await watermarks.set(key(), '0042', { lastId: 'u-1', count: 42 }), undefined, 'what set gives');
            const found = present(await watermarks.get(key()), 'get');
            const { revision, timestamp, ...rest } = found;
            equals(rest, { key: key(), version: '0042', data: { lastId: 'u-1', count: 42 } }, 'the watermark');
            holds(Number.isSafeInteger(revision) && revision > 0, `revision ${revision} is a positive whole number`);
            holds(Number.isFinite(timestamp), `timestamp ${timestamp} is a number`);
        }),
        promise('without data there is no property data', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1');
            const found = present(await watermarks.get(key()), 'get');
            equals(Object.keys(found).toSorted(), ['key', 'revision', 'timestamp', 'version'], 'the properties');
        }),
        promise('set replaces the version and the data, all of it', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1', { a: 1, b: 2 });
            await watermarks.set(key(), 'v2', { b: 3 });
            equals((await watermarks.get(key()))?.data, { b: 3 }, 'the data after the second set');
            await watermarks.set(key(), 'v3');
            const found = present(await watermarks.get(key()), 'get');
            equals([found.version, Object.hasOwn(found, 'data')], ['v3', false], 'version, and whether there is data');
        }),
        promise('set puts an older version over a newer one when it is told to', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'b');
            await watermarks.set(key(), 'a');
            matches(await watermarks.get(key()), { version: 'a' }, 'get');
        }),
        promise('every write of a key has a larger revision than the one before', async ({ watermarks, key }) => {
            const revisions: number[] = [];
            const note = async () => revisions.push((await watermarks.get(key()))?.revision ?? 0);
            await watermarks.set(key(), 'v1');
            await note();
            await watermarks.set(key(), 'v1');
            await note();
            await watermarks.delete(key());
            revisions.push(await watermarks.create(key(), 'v1'));
            revisions.push(await watermarks.compareAndSet(key(), revisions.at(-1) ?? 0, 'v2'));
            await watermarks.advance(key(), 'v3');
            await note();
            await watermarks.delete(key());
            await watermarks.set(key(), 'v1');
            await note();
            grows(revisions, 'the revisions');
        }),
        promise('the timestamp is when it was stored, in milliseconds', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1');
            const { timestamp } = present(await watermarks.get(key()), 'get');
            const off = Math.abs(timestamp - Date.now());
            holds(off < CLOCK_TOLERANCE_MS, `timestamp ${timestamp} is now, give or take a minute`);
        }),
        promise('each write has a timestamp of its own, and reading does not change it', async scene => {
            const { watermarks, key, patienceMs } = scene;
            await watermarks.set(key(), 'v1');
            const first = present(await watermarks.get(key()), 'get');
            const until = performance.now() + patienceMs;
            do {
                // Until the store's clock has moved on, a new timestamp can't be told from the old one.
                await watermarks.set(key('clock'), 'v1');
                holds(performance.now() < until, `timestamps move on from ${first.timestamp}`);
            } while (((await watermarks.get(key('clock')))?.timestamp ?? 0) <= first.timestamp);
            equals(await watermarks.get(key()), first, 'the same revision, read again later');
            await watermarks.set(key(), 'v1');
            const second = present(await watermarks.get(key()), 'get');
            grows([first.timestamp, second.timestamp], 'the timestamps of two writes');
        }),
        promise('a key is told apart from every other', async ({ watermarks, key }) => {
            await watermarks.set(key('a'), 'v1');
            await watermarks.set(key('b'), 'v2');
            matches(await watermarks.get(key('a')), { key: key('a'), version: 'v1' }, 'the first key');
            matches(await watermarks.get(key('b')), { key: key('b'), version: 'v2' }, 'the second key');
        }),
        promise('what get gives is the caller’s: changing it changes nothing that is stored', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key(), 'v1', { list: [1, 2] });
            const found = present(await watermarks.get(key()), 'get');
            const before = structuredClone(found);
            found.version = 'changed';
            (found.data as { list: number[] }).list.push(3);
            equals(await watermarks.get(key()), before, 'get after the first result was changed');
        }),
        promise('data is taken as it is at the call: what is changed later is not stored', async scene => {
            const { watermarks, key } = scene;
            const data = { list: [1, 2] };
            const writing = watermarks.set(key(), 'v1', data);
            data.list.push(3);
            await writing;
            data.list.push(4);
            equals((await watermarks.get(key()))?.data, { list: [1, 2] }, 'the data');
        }),
        withInstances('another instance sees what was acknowledged, at once', async scene => {
            const { watermarks, key, otherWatermarks } = scene;
            const other = await otherWatermarks();
            for (let round = 0; round < 10; round += 1) {
                await watermarks.set(key(), `v${round}`, { round });
                equals(await other.get(key()), await watermarks.get(key()), `get of the other in round ${round}`);
                matches(await other.get(key()), { version: `v${round}` }, `get of the other in round ${round}`);
            }
        })
    ]
};
