import { isWatermarkError, WatermarkErrorCode } from '../../errors.js';
import type { WatermarkService } from '../../watermark.js';
import { equals, holds, matches, present } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';
import { conflicts } from './conflict.js';

const withInstances = given({ needs: ['instances'] });

/** Has many callers create one key at once, and sees one of them win and the others learn of it. */
async function race(services: readonly WatermarkService[], key: string): Promise<void> {
    const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
            present(services[n % services.length], 'a service')
                .create(key, `v${n}`, { n })
                .then(
                    revision => ({ n, revision }),
                    (error: unknown) => ({ error })
                )
        )
    );
    const winners = outcomes.filter(outcome => 'revision' in outcome);
    equals(winners.length, 1, 'how many won');
    const { n, revision } = present(winners[0], 'the winner');
    for (const service of services) {
        matches(await service.get(key), { version: `v${n}`, data: { n }, revision }, 'what is stored');
    }
    for (const outcome of outcomes) {
        if ('error' in outcome) {
            const { error } = outcome;
            holds(isWatermarkError(error, WatermarkErrorCode.REVISION_CONFLICT), 'the others are told of a conflict');
            matches(error, { key, expectedRevision: null, actualRevision: revision }, 'what the others learn');
        }
    }
}

export const creating: Topic = {
    service: 'WatermarkService',
    name: 'create',
    promises: [
        promise('stores it where there is none, and gives its revision', async ({ watermarks, key }) => {
            const revision = await watermarks.create(key(), 'v1', { a: 1 });
            matches(await watermarks.get(key()), { version: 'v1', data: { a: 1 }, revision }, 'get');
        }),
        promise('refuses a key that has one, says where it is, and changes nothing', async ({ watermarks, key }) => {
            const revision = await watermarks.create(key(), 'v1', { a: 1 });
            const before = await watermarks.get(key());
            const expected = { key: key(), expectedRevision: null, actualRevision: revision };
            await conflicts(() => watermarks.create(key(), 'v2'), expected, 'create');
            await conflicts(() => watermarks.create(key(), 'v1', { a: 1 }), expected, 'create of the same');
            equals(await watermarks.get(key()), before, 'get after the refusals');
        }),
        promise('takes a key that was deleted', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1', { old: true });
            await watermarks.delete(key());
            const revision = await watermarks.create(key(), 'v2');
            matches(await watermarks.get(key()), { version: 'v2', revision }, 'get');
        }),
        promise('of many callers at once one wins, and the others learn its revision', async ({ watermarks, key }) => {
            await race([watermarks], key());
        }),
        promise('of many callers at once one wins, also after a deletion', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1');
            await watermarks.delete(key());
            await race([watermarks], key());
        }),
        withInstances('of many callers in several instances one wins', async scene => {
            const { watermarks, key, otherWatermarks } = scene;
            await race([watermarks, await otherWatermarks(), await otherWatermarks()], key());
        })
    ]
};
