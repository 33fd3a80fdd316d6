import type { Watermark } from '../../watermark.js';
import { equals, grows, holds, rejectionOf } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';

const withHistory = given({ needs: ['history'] });
const versionsOf = (history: readonly Watermark[]) => history.map(({ version }) => version);

export const histories: Topic = {
    service: 'WatermarkService',
    name: 'history',
    promises: [
        promise('a key that nobody wrote has none', async ({ watermarks, key }) => {
            equals(await watermarks.history(key()), [], 'history');
        }),
        promise('ends with the watermark that is there', async ({ watermarks, key }) => {
            for (const version of ['v1', 'v2', 'v3']) {
                await watermarks.set(key(), version, { version });
                equals(
                    (await watermarks.history(key())).at(-1),
                    await watermarks.get(key()),
                    `the last after ${version}`
                );
            }
        }),
        promise('has no other key in it', async ({ watermarks, key }) => {
            await watermarks.set(key('a'), 'v1');
            await watermarks.set(key('a.b'), 'v2');
            await watermarks.set(key('A'), 'v3');
            equals(versionsOf(await watermarks.history(key('a'))), ['v1'], 'the versions');
        }),
        promise('has only what was stored, in the order of the revisions', async ({ watermarks, key }) => {
            const versions = Array.from({ length: 5 }, (_, n) => `v${n}`);
            for (const version of versions) {
                await watermarks.set(key(), version);
            }
            const history = await watermarks.history(key());
            holds(history.length > 0, 'it is not empty');
            equals(
                versionsOf(history),
                versions.slice(-history.length),
                'the versions: the last ones that were stored'
            );
            grows(
                history.map(({ revision }) => revision),
                'the revisions'
            );
        }),
        withHistory('goes back as far as the backend says, oldest first, each as it was read then', async scene => {
            const { watermarks, key, capabilities } = scene;
            const kept: (Watermark | null)[] = [];
            for (let n = 0; n < Math.min(capabilities.history ?? 1, 12); n += 1) {
                await watermarks.set(key(), `v${n}`, n % 2 === 0 ? { n } : undefined);
                kept.push(await watermarks.get(key()));
            }
            equals(await watermarks.history(key()), kept, 'history');
        }),
        withHistory('leaves deletions out', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1');
            await watermarks.delete(key());
            const rest = versionsOf(await watermarks.history(key()));
            holds(
                rest.every(version => version === 'v1'),
                `after a deletion there is nothing but v1: ${rest.join()}`
            );
            await watermarks.set(key(), 'v2');
            const versions = versionsOf(await watermarks.history(key()));
            equals(
                versions.filter(version => version !== 'v1'),
                ['v2'],
                'what has come since'
            );
        }),
        promise('a write that was refused is not in it', async ({ watermarks, key }) => {
            const first = await watermarks.create(key(), 'v1');
            await watermarks.set(key(), 'v2');
            await rejectionOf(() => watermarks.create(key(), 'v3'), 'create');
            await rejectionOf(() => watermarks.compareAndSet(key(), first, 'v4'), 'compareAndSet');
            await watermarks.advance(key(), 'v0');
            const versions = versionsOf(await watermarks.history(key()));
            equals(versions, ['v1', 'v2'].slice(-versions.length), 'the versions');
        })
    ]
};
