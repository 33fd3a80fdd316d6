import { WatermarkErrorCode } from '../../errors.js';
import { equals, grows, holds, matches, present, rejects } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';

const withHistory = given({ needs: ['history'] });

export const merging: Topic = {
    service: 'WatermarkService',
    name: 'writes of one key that overlap',
    promises: [
        promise('of sets that overlap the last call wins, with its own data', async ({ watermarks, key }) => {
            const calls = Array.from({ length: 100 }, (_, n) =>
                watermarks.set(key(), `v${n}`, n % 2 === 0 ? { even: n } : { odd: n })
            );
            await Promise.all(calls);
            matches(await watermarks.get(key()), { version: 'v99' }, 'get');
            equals((await watermarks.get(key()))?.data, { odd: 99 }, 'the data');
        }),
        promise('a set that has resolved is stored, or one that was called after it', async ({ watermarks, key }) => {
            const seen = await Promise.all(
                Array.from({ length: 20 }, async (_, n) => {
                    await watermarks.set(key(), String(n).padStart(2, '0'));
                    return present(await watermarks.get(key()), `get after set ${n}`).version;
                })
            );
            seen.forEach((version, n) => holds(Number(version) >= n, `after set ${n} the version is ${version}`));
        }),
        withHistory('what is merged never lets an older version follow a newer one', async scene => {
            const { watermarks, key } = scene;
            const versions = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
            await Promise.all(versions.map(version => watermarks.set(key(), version)));
            const stored = (await watermarks.history(key())).map(({ version }) => version);
            grows(stored, 'the stored versions');
            equals(stored.at(-1), '59', 'the last stored version');
        }),
        promise('sets and deletes that overlap end as the last call says', async ({ watermarks, key }) => {
            await Promise.all([
                watermarks.set(key(), 'v1'),
                watermarks.delete(key()),
                watermarks.set(key(), 'v2'),
                watermarks.delete(key())
            ]);
            equals(await watermarks.get(key()), null, 'get after a last delete');
            await Promise.all([watermarks.delete(key()), watermarks.set(key(), 'v3')]);
            matches(await watermarks.get(key()), { version: 'v3' }, 'get after a last set');
        }),
        promise('a call that is refused is refused alone', async ({ watermarks, key }) => {
            const first = watermarks.set(key(), 'v1');
            const refused = rejects(WatermarkErrorCode.INVALID_VERSION, () => watermarks.set(key(), ''), 'set of ""');
            const last = watermarks.set(key(), 'v3');
            await Promise.all([first, refused, last]);
            matches(await watermarks.get(key()), { version: 'v3' }, 'get');
        }),
        promise('sets of many keys at once are all stored', async ({ watermarks, key }) => {
            const keys = Array.from({ length: 100 }, (_, n) => key(String(n)));
            await Promise.all(keys.map((each, n) => watermarks.set(each, `v${n}`)));
            const found = await watermarks.getMany(keys);
            equals(
                keys.map(each => found.get(each)?.version),
                keys.map((_, n) => `v${n}`),
                'the versions'
            );
        })
    ]
};
