import type { WatermarkService } from '../../watermark.js';
import { equals, grows, holds, matches, present, rejectionOf } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';

const withInstances = given({ needs: ['instances'] });
const inNumberOrder = (a: string, b: string) => Number(a) - Number(b);

/** Lets many callers advance one key in no particular order. */
async function race(services: readonly WatermarkService[], key: string): Promise<void> {
    const versions = Array.from({ length: 30 }, (_, n) => String((n * 7) % 30).padStart(2, '0'));
    const results = await Promise.all(
        versions.map(async (version, n) => {
            const result = await present(services[n % services.length], 'a service').advance(key, version);
            return { version, result };
        })
    );
    for (const service of services) {
        equals((await service.get(key))?.version, '29', 'the version at the end');
    }
    for (const { version, result } of results) {
        if (!result.advanced) {
            const { current } = result;
            holds(
                current.version >= version,
                `${version} was refused because of ${current.version}, which is not before it`
            );
        }
    }
    const stored = results
        .flatMap(({ version, result }) => (result.advanced ? [{ version, revision: result.revision }] : []))
        .toSorted((a, b) => a.revision - b.revision);
    grows(
        stored.map(({ version }) => version),
        'the versions that were stored, by revision'
    );
}

export const advancing: Topic = {
    service: 'WatermarkService',
    name: 'advance',
    promises: [
        promise('a key without a watermark takes any version', async ({ watermarks, key }) => {
            const result = await watermarks.advance(key(), '00', { a: 1 });
            const { revision } = present(await watermarks.get(key()), 'get');
            equals(result, { advanced: true, revision }, 'what advance gives');
            matches(await watermarks.get(key()), { version: '00', data: { a: 1 } }, 'get');
        }),
        promise('goes forward, with the new data alone', async ({ watermarks, key }) => {
            await watermarks.set(key(), '0a', { a: 1 });
            const result = await watermarks.advance(key(), '0b', { b: 2 });
            const found = present(await watermarks.get(key()), 'get');
            equals([found.version, found.data], ['0b', { b: 2 }], 'version and data');
            equals(result, { advanced: true, revision: found.revision }, 'what advance gives');
        }),
        promise('never goes back, and says where the key is', async ({ watermarks, key }) => {
            await watermarks.set(key(), '0b', { b: 2 });
            const before = await watermarks.get(key());
            equals(await watermarks.advance(key(), '0a'), { advanced: false, current: before }, 'what advance gives');
            equals(await watermarks.get(key()), before, 'get after that');
        }),
        promise('equal is not forward, also with other data', async ({ watermarks, key }) => {
            await watermarks.set(key(), '0b', { b: 2 });
            const before = await watermarks.get(key());
            const result = await watermarks.advance(key(), '0b', { c: 3 });
            equals(result, { advanced: false, current: before }, 'what advance gives');
            equals(await watermarks.get(key()), before, 'get after that');
        }),
        promise('the order is plain string order, as JavaScript and Zero compare', async ({ watermarks, key }) => {
            // Neither numbers nor a language's alphabet nor UTF-8 bytes come in this order.
            const versions = ['!', '10', '9', 'A', 'Z', 'a', 'aa', 'z', 'ä', '😀', '\uFF5A', '\uFFFD'];
            for (const [n, version] of versions.entries()) {
                matches(await watermarks.advance(key(), version), { advanced: true }, `advance to ${version}`);
                const before = versions[n - 1] ?? '';
                if (n > 0) {
                    matches(await watermarks.advance(key(), before), { advanced: false }, `advance back to ${before}`);
                }
            }
        }),
        promise('takes an order of the caller’s', async ({ watermarks, key }) => {
            const options = { compare: inNumberOrder };
            for (const [version, advanced] of [
                ['9', true],
                ['10', true],
                ['9', false],
                ['10.0', false],
                ['11', true]
            ] as const) {
                const result = await watermarks.advance(key(), version, undefined, options);
                equals(result.advanced, advanced, `whether it went forward to ${version}`);
            }
        }),
        promise('an order that throws rejects the call, and nothing is stored', async ({ watermarks, key }) => {
            await watermarks.set(key(), '1');
            const before = await watermarks.get(key());
            const compare = () => {
                throw new RangeError('no order');
            };
            const error = await rejectionOf(() => watermarks.advance(key(), '2', undefined, { compare }), 'advance');
            equals(String(error), 'RangeError: no order', 'the error');
            equals(await watermarks.get(key()), before, 'get after that');
        }),
        promise('begins anew after a deletion', async ({ watermarks, key }) => {
            await watermarks.set(key(), '0b');
            await watermarks.delete(key());
            matches(await watermarks.advance(key(), '0a'), { advanced: true }, 'what advance gives');
        }),
        promise('goes forward from what set put back', async ({ watermarks, key }) => {
            await watermarks.advance(key(), '0c');
            await watermarks.set(key(), '0a');
            matches(await watermarks.advance(key(), '0b'), { advanced: true }, 'what advance gives');
        }),
        promise('however many callers compete, it only goes forward', async ({ watermarks, key }) =>
            race([watermarks], key())
        ),
        withInstances('however many instances compete, it only goes forward', async scene =>
            race([scene.watermarks, await scene.otherWatermarks(), await scene.otherWatermarks()], scene.key())
        )
    ]
};
