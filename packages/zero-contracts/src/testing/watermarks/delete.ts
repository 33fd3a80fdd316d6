import { equals, grows, matches } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';

const withInstances = given({ needs: ['instances'] });

export const deleting: Topic = {
    service: 'WatermarkService',
    name: 'delete',
    promises: [
        promise('what was deleted is gone for every kind of read', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1');
            equals(await watermarks.delete(key()), undefined, 'what delete gives');
            equals(await watermarks.get(key()), null, 'get');
            equals((await watermarks.getAll()).has(key()), false, 'whether getAll has it');
            equals((await watermarks.getMany([key()])).size, 0, 'the size of getMany');
        }),
        promise('deleting what is not there is no error', async ({ watermarks, key }) => {
            await watermarks.delete(key());
            await watermarks.set(key(), 'v1');
            await watermarks.delete(key());
            await watermarks.delete(key());
            equals(await watermarks.get(key()), null, 'get');
        }),
        promise('a deleted key can be written again by every kind of write', async ({ watermarks, key }) => {
            const writes = {
                set: () => watermarks.set(key(), 'v1'),
                create: () => watermarks.create(key(), 'v1'),
                advance: () => watermarks.advance(key(), 'v1')
            };
            for (const [method, write] of Object.entries(writes)) {
                await watermarks.set(key(), 'v9', { old: true });
                await watermarks.delete(key());
                await write();
                const found = await watermarks.get(key());
                equals([found?.version, found?.data], ['v1', undefined], `version and data after ${method}`);
            }
        }),
        promise('a key that comes back has a revision above the one it had', async ({ watermarks, key }) => {
            const revisions: number[] = [];
            for (let round = 0; round < 3; round += 1) {
                revisions.push(await watermarks.create(key(), 'v1'));
                await watermarks.delete(key());
            }
            grows(revisions, 'the revisions');
        }),
        promise('the other keys stay', async ({ watermarks, key }) => {
            await watermarks.set(key('a'), 'v1');
            await watermarks.set(key('a.b'), 'v2');
            await watermarks.delete(key('a'));
            matches(await watermarks.get(key('a.b')), { version: 'v2' }, 'the key that begins like the deleted one');
        }),
        withInstances('another instance sees it at once', async ({ watermarks, key, otherWatermarks }) => {
            const other = await otherWatermarks();
            await watermarks.set(key(), 'v1');
            matches(await other.get(key()), { version: 'v1' }, 'get of the other before');
            await watermarks.delete(key());
            equals(await other.get(key()), null, 'get of the other after');
            equals((await other.getAll()).has(key()), false, 'whether getAll of the other has it');
        })
    ]
};
