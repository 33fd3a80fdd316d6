import type { Watermark } from '../../watermark.js';
import { equals, holds } from '../expect.js';
import { given, type Topic } from '../promise.js';

const logged = given({ own: {} });

/** A callback that takes down what it is called with, and then fails in a given way. */
function failing(note: (version: string) => void, fail: (version: string) => unknown) {
    return ({ version }: Watermark) => {
        note(version);
        return fail(version) as undefined;
    };
}

const throwing = (version: string): never => {
    throw new Error(`thrown at ${version}`);
};
const rejecting = (version: string) => Promise.reject(new Error(`rejected at ${version}`));

export const watchFailures: Topic = {
    service: 'WatermarkService',
    name: 'watch callbacks that fail',
    promises: [
        ...(
            [
                ['throws', throwing, 'thrown at'],
                ['rejects', rejecting, 'rejected at']
            ] as const
        ).map(([how, fail, text]) =>
            logged(`a callback that ${how} is logged, with the key, and the watch goes on`, async scene => {
                const { watermarks, key, recorder, log } = scene;
                const seen = recorder<string>();
                await watermarks.watch(key(), failing(seen.add, fail));
                for (const [n, version] of ['v1', 'v2'].entries()) {
                    await watermarks.set(key(), version);
                    await seen.at(n, `the call with ${version}`);
                    const entry = await log.at(n, `what is logged of ${version}`);
                    equals(entry.level, 'error', 'the level');
                    holds(entry.text.includes(`${text} ${version}`), `the error is logged: ${entry.text}`);
                    holds(entry.text.includes(key()), `the key is named: ${entry.text}`);
                }
            })
        ),
        logged('onDelete that throws is logged, and the watch goes on', async ({ watermarks, key, recorder, log }) => {
            const seen = recorder<string>();
            const onDelete = () => throwing('the deletion');
            await watermarks.watch(key(), ({ version }) => seen.add(version), { onDelete });
            await watermarks.set(key(), 'v1');
            await watermarks.delete(key());
            const entry = await log.at(0, 'what is logged');
            holds(entry.text.includes('thrown at the deletion'), `the error is logged: ${entry.text}`);
            await watermarks.set(key(), 'v2');
            await seen.until('the change after that', items => items.at(-1) === 'v2');
        }),
        logged('the failure of one callback is none of the others’ business', async scene => {
            const { watermarks, key, recorder } = scene;
            const seen = recorder<string>();
            await watermarks.watch(
                key(),
                failing(() => {}, throwing)
            );
            await watermarks.watch(key(), ({ version }) => seen.add(version));
            await watermarks.set(key(), 'v1');
            await seen.at(0, 'the change, told by the other watch');
            await watermarks.set(key(), 'v2');
            await seen.at(1, 'the next change');
            equals(seen.items, ['v1', 'v2'], 'what the other watch told');
        })
    ]
};
