import { WatermarkErrorCode } from '../../errors.js';
import { equals, rejects } from '../expect.js';
import { notStrings } from '../not-strings.js';
import { promise, type Promised, type Topic } from '../promise.js';
import { type KeyCall, writes } from './calls.js';

function badVersionRefused([method, write]: [string, KeyCall]): Promised {
    return promise(`a version that is no text, or an empty one, is refused: ${method}`, async scene => {
        const { watermarks, key } = scene;
        await watermarks.set(key(), 'v1', { a: 1 });
        const before = await watermarks.get(key());
        for (const version of ['', ...notStrings.slice(1)]) {
            const call = () => write(watermarks, { key: key(), version });
            await rejects(WatermarkErrorCode.INVALID_VERSION, call, `${method} of a ${typeof version} as a version`);
        }
        equals(await watermarks.get(key()), before, 'get after the refusals');
        equals(await watermarks.get(key('users.new')), null, 'a key that was to be made');
    });
}

function badDataRefused([method, write]: [string, KeyCall]): Promised {
    return promise(`bad data is refused before anything is stored: ${method}`, async ({ watermarks, key }) => {
        await watermarks.set(key(), 'v1', { a: 1 });
        const before = await watermarks.get(key());
        for (const data of [{ at: new Date() }, { list: [undefined] }, { n: 1n }]) {
            const call = () => write(watermarks, { key: key(), data });
            await rejects(WatermarkErrorCode.INVALID_DATA, call, method);
        }
        equals(await watermarks.get(key()), before, 'get after the refusals');
        equals(await watermarks.get(key('users.new')), null, 'a key that was to be made');
    });
}

export const refusals: Topic = {
    service: 'WatermarkService',
    name: 'refused input',
    promises: [
        ...Object.entries(writes).map(badVersionRefused),
        ...Object.entries(writes).map(badDataRefused),
        promise('compareAndSet refuses what is no revision', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1');
            const before = await watermarks.get(key());
            const revisions = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null, undefined, 1n];
            for (const revision of revisions as readonly number[]) {
                const call = () => watermarks.compareAndSet(key(), revision, 'v2');
                await rejects(WatermarkErrorCode.INVALID_ARGUMENT, call, `revision ${String(revision)}`);
            }
            equals(await watermarks.get(key()), before, 'get after the refusals');
        }),
        promise('a refusal is not worth trying again', async ({ watermarks, key }) => {
            const refused = await rejects(WatermarkErrorCode.INVALID_VERSION, () => watermarks.set(key(), ''), 'set');
            equals(refused.retryable, false, 'retryable');
        })
    ]
};
