import { isWatermarkError, WatermarkErrorCode } from '../../errors.js';
import type { WatermarkService } from '../../watermark.js';
import { equals, grows, matches, present } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';
import { conflicts } from './conflict.js';

const withInstances = given({ needs: ['instances'] });
const INCREMENTS = 24;

/** Counts up with many callers at once, each of them trying until its turn comes. */
async function countUp(services: readonly WatermarkService[], key: string): Promise<void> {
    await services[0]?.create(key, '0');
    await Promise.all(
        Array.from({ length: INCREMENTS }, async (_, n) => {
            const service = present(services[n % services.length], 'a service');
            for (let stored = false; !stored;) {
                const { version, revision } = present(await service.get(key), 'the counter');
                try {
                    await service.compareAndSet(key, revision, String(Number(version) + 1));
                    stored = true;
                } catch (error) {
                    if (!isWatermarkError(error, WatermarkErrorCode.REVISION_CONFLICT)) {
                        throw error;
                    }
                }
            }
        })
    );
    for (const service of services) {
        equals((await service.get(key))?.version, String(INCREMENTS), `the counter after ${INCREMENTS} increments`);
    }
}

export const comparing: Topic = {
    service: 'WatermarkService',
    name: 'compareAndSet',
    promises: [
        promise('goes from revision to revision', async ({ watermarks, key }) => {
            const first = await watermarks.create(key(), 'v1', { a: 1 });
            const second = await watermarks.compareAndSet(key(), first, 'v2', { b: 2 });
            const third = await watermarks.compareAndSet(key(), second, 'v3');
            grows([first, second, third], 'the revisions');
            const found = present(await watermarks.get(key()), 'get');
            equals([found.version, found.revision, found.data], ['v3', third, undefined], 'what is stored');
        }),
        promise('takes the revision that get gives', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1');
            const { revision } = present(await watermarks.get(key()), 'get');
            await watermarks.compareAndSet(key(), revision, 'v2');
            matches(await watermarks.get(key()), { version: 'v2' }, 'get');
        }),
        promise('refuses a key that has moved on, with both revisions, and changes nothing', async scene => {
            const { watermarks, key } = scene;
            const first = await watermarks.create(key(), 'v1');
            const second = await watermarks.compareAndSet(key(), first, 'v2', { a: 1 });
            const before = await watermarks.get(key());
            const expected = { key: key(), expectedRevision: first, actualRevision: second };
            await conflicts(() => watermarks.compareAndSet(key(), first, 'v3'), expected, 'compareAndSet');
            equals(await watermarks.get(key()), before, 'get after the refusal');
        }),
        promise('refuses a key that was written again with the same version', async ({ watermarks, key }) => {
            const first = await watermarks.create(key(), 'v1');
            await watermarks.set(key(), 'v1');
            const { revision } = present(await watermarks.get(key()), 'get');
            const expected = { key: key(), expectedRevision: first, actualRevision: revision };
            await conflicts(() => watermarks.compareAndSet(key(), first, 'v2'), expected, 'compareAndSet');
        }),
        promise('refuses a key that nobody wrote, and does not make it', async ({ watermarks, key }) => {
            const revision = await watermarks.create(key('somebody'), 'v1');
            const nobody = key('nobody');
            const expected = { key: nobody, expectedRevision: revision, actualRevision: null };
            await conflicts(() => watermarks.compareAndSet(nobody, revision, 'v1'), expected, 'compareAndSet');
            equals(await watermarks.get(nobody), null, 'get after the refusal');
        }),
        promise('refuses the revision of another key', async ({ watermarks, key }) => {
            const actual = await watermarks.create(key('a'), 'v1');
            const others = await watermarks.create(key('b'), 'v1');
            const later = await watermarks.compareAndSet(key('b'), others, 'v2');
            // Where each key counts for itself, the two may be at the same number.
            const foreign = [others, later].find(revision => revision !== actual) ?? 0;
            const expected = { key: key('a'), expectedRevision: foreign, actualRevision: actual };
            await conflicts(() => watermarks.compareAndSet(key('a'), foreign, 'v2'), expected, 'compareAndSet');
        }),
        promise('a key that was deleted is at no revision', async ({ watermarks, key }) => {
            const first = await watermarks.create(key(), 'v1');
            await watermarks.delete(key());
            const expected = { key: key(), expectedRevision: first, actualRevision: null };
            await conflicts(() => watermarks.compareAndSet(key(), first, 'v2'), expected, 'compareAndSet');
            equals(await watermarks.get(key()), null, 'get after the refusal');
        }),
        promise('a key that was deleted is not at the revision of its deletion either', async scene => {
            const { watermarks, key, recorder } = scene;
            await watermarks.set(key(), 'v1');
            const deletions = recorder<number>();
            const onDelete = ({ revision }: { revision: number }) => deletions.add(revision);
            const unwatch = await watermarks.watch(key(), () => {}, { onDelete });
            await watermarks.delete(key());
            const deletion = await deletions.at(0, 'the deletion');
            unwatch();
            const expected = { key: key(), expectedRevision: deletion, actualRevision: null };
            await conflicts(() => watermarks.compareAndSet(key(), deletion, 'v2'), expected, 'compareAndSet');
            equals(await watermarks.get(key()), null, 'get after the refusal');
        }),
        promise('of two with the same revision one wins', async ({ watermarks, key }) => {
            const revision = await watermarks.create(key(), 'v1');
            const outcomes = await Promise.allSettled(
                ['v2', 'v3'].map(version => watermarks.compareAndSet(key(), revision, version))
            );
            equals(outcomes.filter(({ status }) => status === 'fulfilled').length, 1, 'how many won');
        }),
        promise('many callers at once lose no update', async ({ watermarks, key }) => countUp([watermarks], key())),
        withInstances(
            'many callers in several instances lose no update',
            async ({ watermarks, key, otherWatermarks }) => countUp([watermarks, await otherWatermarks()], key())
        )
    ]
};
