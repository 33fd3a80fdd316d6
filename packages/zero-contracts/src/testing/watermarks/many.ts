import { WatermarkErrorCode } from '../../errors.js';
import { equals, present, rejects } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';

const alone = given({ alone: true });
const withInstances = given({ needs: ['instances'] });

export const many: Topic = {
    service: 'WatermarkService',
    name: 'getAll and getMany',
    promises: [
        alone('where nothing was written there is nothing', async ({ watermarks }) => {
            equals(await watermarks.getAll(), new Map(), 'getAll');
            equals(await watermarks.getMany(['a', 'b']), new Map(), 'getMany');
        }),
        alone('getAll has every key once, at its last revision, and no other', async ({ watermarks, key }) => {
            const keys = Array.from({ length: 300 }, (_, n) => key(String(n)));
            for (const version of ['v1', 'v2']) {
                await Promise.all(keys.map(each => watermarks.set(each, version, { each })));
            }
            const gone = keys.filter((_, n) => n % 3 === 0);
            const left = keys.filter((_, n) => n % 3 !== 0);
            await Promise.all(gone.map(each => watermarks.delete(each)));
            const all = await watermarks.getAll();
            equals([...all.keys()].toSorted(), left.toSorted(), 'the keys');
            const wrong = [...all].filter(([each, found]) => found.key !== each || found.version !== 'v2');
            equals(wrong, [], 'watermarks that are not those of their key');
            equals(all.get(left[0] ?? ''), await watermarks.get(left[0] ?? ''), 'the same watermark from get');
        }),
        withInstances(
            'getAll has what another instance wrote, at once',
            async ({ watermarks, key, otherWatermarks }) => {
                const other = await otherWatermarks();
                for (const version of ['v1', 'v2', 'v3']) {
                    await watermarks.set(key(), version);
                    equals((await other.getAll()).get(key())?.version, version, 'the version in getAll of the other');
                }
            }
        ),
        promise('what getAll gives is the caller’s: changing it changes nothing that is stored', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key(), 'v1', { list: [1] });
            const all = await watermarks.getAll();
            const found = present(all.get(key()), 'the watermark in getAll');
            (found.data as { list: number[] }).list.push(2);
            all.delete(key());
            equals((await watermarks.getAll()).get(key())?.data, { list: [1] }, 'the data in the next getAll');
        }),
        promise('getMany gives what is there, in the order in which it was asked for', async ({ watermarks, key }) => {
            for (const name of ['a', 'b', 'c', 'd']) {
                await watermarks.set(key(name), `v-${name}`);
            }
            await watermarks.delete(key('c'));
            const found = await watermarks.getMany(['d', 'nobody', 'b', 'c', 'a'].map(key));
            equals([...found.keys()], ['d', 'b', 'a'].map(key), 'the keys');
            equals(found.get(key('b')), await watermarks.get(key('b')), 'the same watermark from get');
        }),
        promise('getMany takes any iterable, and a key that is asked for twice', async ({ watermarks, key }) => {
            await watermarks.set(key('a'), 'v1');
            await watermarks.set(key('b'), 'v2');
            function* names() {
                yield key('b');
                yield key('a');
                yield key('b');
            }
            equals([...(await watermarks.getMany(names())).keys()], [key('b'), key('a')], 'the keys');
            equals([...(await watermarks.getMany(new Set([key('a')]))).keys()], [key('a')], 'the keys of a Set');
            equals(await watermarks.getMany([]), new Map(), 'getMany of nothing');
        }),
        promise('getMany fails for a key that is none', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1');
            const call = () => watermarks.getMany([key(), '\uD800']);
            await rejects(WatermarkErrorCode.INVALID_KEY, call, 'getMany');
        })
    ]
};
