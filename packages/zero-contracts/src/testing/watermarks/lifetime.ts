import { WatermarkErrorCode } from '../../errors.js';
import type { WatermarkEvent } from '../../watermark.js';
import { equals, grows, holds, matches, present, rejects } from '../expect.js';
import { given, type Topic } from '../promise.js';
import { callsWithKey } from './calls.js';

const own = given({ own: {} });
const durable = given({ own: {}, needs: ['durable'] });
const besideOthers = given({ own: {}, needs: ['instances'] });

export const lifetime: Topic = {
    service: 'WatermarkService',
    name: 'close, and opening again',
    promises: [
        own('after close every call is refused', async ({ watermarks, key }) => {
            await watermarks.close();
            const calls = Object.entries(callsWithKey).map(
                ([method, call]) => [method, () => call(watermarks, { key: key() })] as const
            );
            const others = {
                getAll: () => watermarks.getAll(),
                clear: () => watermarks.clear(),
                watchAll: async () => watermarks.watchAll()[Symbol.asyncIterator]().next()
            };
            for (const [method, call] of [...calls, ...Object.entries(others)]) {
                await rejects(WatermarkErrorCode.CLOSED, call, method);
            }
        }),
        own('close may be called again, also while it is under way', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1');
            await Promise.all([watermarks.close(), watermarks.close()]);
            await watermarks.close();
        }),
        own('leaving the scope of `await using` closes it', async ({ watermarks, key }) => {
            await watermarks[Symbol.asyncDispose]();
            await rejects(WatermarkErrorCode.CLOSED, () => watermarks.get(key()), 'get');
        }),
        own('close lets writes under way finish', async ({ watermarks, key }) => {
            const writes = Array.from({ length: 50 }, (_, n) => watermarks.set(key(String(n % 10)), `v${n}`));
            await watermarks.close();
            equals(
                (await Promise.allSettled(writes)).filter(({ status }) => status === 'rejected'),
                [],
                'failed writes'
            );
        }),
        own('close ends iterations, without an error', async ({ watermarks, prefix, recorder, soon }) => {
            const events = recorder<WatermarkEvent>();
            const iteration = (async () => {
                for await (const event of watermarks.watchAll({ prefix, includeCurrent: true })) {
                    events.add(event);
                }
            })();
            await events.at(0, 'current-complete');
            await watermarks.close();
            await soon(iteration, 'the end of the iteration');
        }),
        besideOthers(
            'close ends watches: no call comes any more',
            async ({ watermarks, key, recorder, otherWatermarks }) => {
                const other = await otherWatermarks();
                const [ended, going] = [recorder<string>(), recorder<string>()];
                await watermarks.watch(key(), ({ version }) => ended.add(version));
                await other.watch(key(), ({ version }) => going.add(version));
                await other.set(key(), 'v1');
                await Promise.all([ended.at(0, 'the change before'), going.at(0, 'the change before')]);
                await watermarks.close();
                await other.set(key(), 'v2');
                await going.at(1, 'the change after, told by the other instance');
                equals(ended.items, ['v1'], 'what the watch of the closed instance told');
            }
        ),
        besideOthers(
            'what was written before close, another instance has',
            async ({ watermarks, key, otherWatermarks }) => {
                const other = await otherWatermarks();
                const write = watermarks.set(key(), 'v1');
                await watermarks.close();
                await write;
                matches(await other.get(key()), { version: 'v1' }, 'get of the other');
            }
        ),
        besideOthers('a write that resolved during close is stored', async ({ watermarks, key, otherWatermarks }) => {
            const other = await otherWatermarks();
            const keys = Array.from({ length: 40 }, (_, n) => key(String(n)));
            const stored: string[] = [];
            const writes = keys.map(each => watermarks.set(each, 'v1').then(() => stored.push(each)));
            await Promise.all([watermarks.close(), Promise.allSettled(writes)]);
            const found = await other.getMany(keys);
            equals(
                stored.filter(each => !found.has(each)),
                [],
                'keys whose write resolved and that are not there'
            );
        }),
        durable('what was stored is there when it is opened again, to the letter', async scene => {
            const { key, reopen } = scene;
            await scene.watermarks.set(key('a'), 'v1', { a: [1, { b: 'ü' }] });
            await scene.watermarks.set(key('b'), 'v2');
            await scene.watermarks.set(key('gone'), 'v3');
            await scene.watermarks.delete(key('gone'));
            const before = await scene.watermarks.getMany([key('a'), key('b')]);
            await reopen();
            equals(await scene.watermarks.getMany([key('a'), key('gone'), key('b')]), before, 'getMany');
            equals(await scene.watermarks.get(key('gone')), null, 'get of the deleted key');
        }),
        durable('revisions go on growing when it is opened again', async scene => {
            const { key, reopen } = scene;
            const revisions = [await scene.watermarks.create(key(), 'v1')];
            await reopen();
            revisions.push(await scene.watermarks.compareAndSet(key(), revisions[0] ?? 0, 'v2'));
            await scene.watermarks.delete(key());
            await reopen();
            revisions.push(await scene.watermarks.create(key(), 'v3'));
            grows(revisions, 'the revisions');
        }),
        given({ own: {}, needs: ['durable', 'history'] })('history is there when it is opened again', async scene => {
            const { key, reopen } = scene;
            await scene.watermarks.set(key(), 'v1');
            await scene.watermarks.set(key(), 'v2');
            const before = await scene.watermarks.history(key());
            await reopen();
            equals(await scene.watermarks.history(key()), before, 'history');
        }),
        durable('a watch goes on with an instance that is opened again', async scene => {
            const { key, reopen, recorder } = scene;
            await scene.watermarks.set(key(), 'v1');
            await reopen();
            const seen = recorder<string>();
            await scene.watermarks.watch(key(), ({ version }) => seen.add(version), { includeCurrent: true });
            await seen.at(0, 'what is there');
            await scene.watermarks.set(key(), 'v2');
            await seen.at(1, 'the change');
            equals(seen.items, ['v1', 'v2'], 'what was told');
        }),
        given({ own: {}, alone: true, needs: ['wipe'] })(
            'where all was removed there is nothing, and it can be used',
            async scene => {
                const { key, capabilities, reopenAfter } = scene;
                await scene.watermarks.set(key(), 'v1');
                await reopenAfter(space => present(capabilities.wipe, 'wipe')(space));
                equals(await scene.watermarks.getAll(), new Map(), 'getAll');
                const revision = await scene.watermarks.create(key(), 'v2');
                holds(revision > 0, `the revision, ${revision}, is positive`);
            }
        )
    ]
};
