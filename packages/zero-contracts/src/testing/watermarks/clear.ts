import type { WatermarkEvent } from '../../watermark.js';
import { equals, grows, matches, present, rejects } from '../expect.js';
import { WatermarkErrorCode } from '../../errors.js';
import { given, type Topic } from '../promise.js';
import { complete, iterate, textOf } from './iteration.js';

const alone = given({ alone: true });

export const clearing: Topic = {
    service: 'WatermarkService',
    name: 'clear',
    promises: [
        alone('removes all watermarks, for every kind of read', async ({ watermarks }) => {
            const keys = ['', 'users', 'ü', '*', 'a.b', ...Array.from({ length: 40 }, (_, n) => `k${n}`)];
            await Promise.all(keys.map(key => watermarks.set(key, 'v1')));
            equals(await watermarks.clear(), undefined, 'what clear gives');
            equals(await watermarks.getAll(), new Map(), 'getAll');
            equals(await watermarks.getMany(keys), new Map(), 'getMany');
            equals(await watermarks.get('users'), null, 'get');
        }),
        alone('where there is nothing, it is no error', async ({ watermarks }) => {
            await watermarks.clear();
            await watermarks.set('users', 'v1');
            await watermarks.clear();
            await watermarks.clear();
            equals(await watermarks.getAll(), new Map(), 'getAll');
        }),
        alone('revisions go on where they are', async ({ watermarks }) => {
            const revisions: number[] = [];
            for (let round = 0; round < 3; round += 1) {
                revisions.push(await watermarks.create('users', 'v1'));
                await watermarks.clear();
            }
            grows(revisions, 'the revisions');
        }),
        alone('a key that was cleared can be written again by every kind of write', async ({ watermarks }) => {
            await Promise.all(['a', 'b', 'c'].map(key => watermarks.set(key, 'v9', { old: true })));
            await watermarks.clear();
            await watermarks.set('a', 'v1');
            await watermarks.create('b', 'v1');
            matches(await watermarks.advance('c', 'v1'), { advanced: true }, 'advance');
            for (const key of ['a', 'b', 'c']) {
                const found = await watermarks.get(key);
                equals([found?.version, found?.data], ['v1', undefined], `version and data of ${key}`);
            }
        }),
        alone('watches see each of them deleted', async scene => {
            const { watermarks, recorder } = scene;
            await watermarks.set('a', 'v1');
            const revision = present(await watermarks.get('a'), 'get').revision;
            await watermarks.set('b', 'v1');
            const deletions = recorder<number>();
            await watermarks.watch('a', () => {}, { onDelete: deletion => deletions.add(deletion.revision) });
            await using iteration = iterate(scene, watermarks, { prefix: '' });
            await complete(iteration);
            await watermarks.clear();
            grows([revision, await deletions.at(0, 'the deletion, told by watch')], 'the revisions');
            const isDeletion = ({ type }: WatermarkEvent) => type === 'delete';
            const events = await iteration.events.until(
                'two deletions, told by watchAll',
                items => items.filter(isDeletion).length === 2
            );
            equals(events.filter(isDeletion).map(textOf).toSorted(), ['delete a', 'delete b'], 'the deletions');
        }),
        given({ alone: true, needs: ['instances'] })('another instance sees nothing of them', async scene => {
            const { watermarks, otherWatermarks } = scene;
            const other = await otherWatermarks();
            await watermarks.set('a', 'v1');
            await other.set('b', 'v1');
            await watermarks.clear();
            equals(await other.getAll(), new Map(), 'getAll of the other');
            await other.create('b', 'v2');
            matches(await watermarks.get('b'), { version: 'v2' }, 'get of what the other has written since');
        }),
        given({ alone: true, own: {}, needs: ['storeForeignRecord'] })(
            'what the library did not write stays',
            async scene => {
                const { watermarks, capabilities, space, log } = scene;
                await watermarks.set('good', 'v1');
                await present(capabilities.storeForeignRecord, 'storeForeignRecord')(space, 'bad');
                await watermarks.clear();
                equals(await watermarks.get('good'), null, 'get of the good one');
                await rejects(WatermarkErrorCode.CORRUPT_RECORD, () => watermarks.get('bad'), 'get of the bad one');
                await log.until('a warning that names the key', items =>
                    items.some(({ text }) => text.includes('"bad"'))
                );
            }
        )
    ]
};
