import { type CorruptRecordError, WatermarkErrorCode } from '../../errors.js';
import type { WatermarkEvent } from '../../watermark.js';
import { equals, holds, matches, present, rejects } from '../expect.js';
import { given, type Topic } from '../promise.js';
import type { Scene } from '../scene.js';

const withForeignRecords = given({ own: {}, needs: ['storeForeignRecord'] });

function storeForeignRecord({ capabilities, space }: Scene, key: string): Promise<void> {
    return present(capabilities.storeForeignRecord, 'storeForeignRecord')(space, key);
}

export const foreignRecords: Topic = {
    service: 'WatermarkService',
    name: 'records that this library did not write',
    promises: [
        withForeignRecords('every call that would take it for a watermark refuses it', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key('good'), 'v1');
            const { revision } = present(await watermarks.get(key('good')), 'get');
            await storeForeignRecord(scene, key());
            const calls = {
                get: () => watermarks.get(key()),
                getMany: () => watermarks.getMany([key('good'), key()]),
                create: () => watermarks.create(key(), 'v1'),
                compareAndSet: () => watermarks.compareAndSet(key(), revision, 'v1'),
                advance: () => watermarks.advance(key(), 'v1')
            };
            for (const [method, call] of Object.entries(calls)) {
                const error = await rejects(WatermarkErrorCode.CORRUPT_RECORD, call, method);
                const { key: named, revision: at } = error as CorruptRecordError;
                equals(named, key(), `the key that the error of ${method} names`);
                holds(Number.isSafeInteger(at) && at > 0, `the revision that it names, ${at}, is one`);
            }
        }),
        withForeignRecords('compareAndSet refuses it at its own revision', async scene => {
            const { watermarks, key } = scene;
            await storeForeignRecord(scene, key());
            const error = await rejects(WatermarkErrorCode.CORRUPT_RECORD, () => watermarks.get(key()), 'get');
            const { revision } = error as CorruptRecordError;
            const call = () => watermarks.compareAndSet(key(), revision, 'v1');
            await rejects(WatermarkErrorCode.CORRUPT_RECORD, call, 'compareAndSet');
            await rejects(WatermarkErrorCode.CORRUPT_RECORD, () => watermarks.get(key()), 'get after that');
        }),
        withForeignRecords('getAll leaves it out, has all others, and logs it', async scene => {
            const { watermarks, key, log } = scene;
            await watermarks.set(key('good'), 'v1');
            await storeForeignRecord(scene, key('bad'));
            const all = await watermarks.getAll();
            equals(
                [all.has(key('good')), all.has(key('bad'))],
                [true, false],
                'whether it has the good and the bad one'
            );
            await log.until('a warning that names the key', items =>
                items.some(({ level, text }) => level === 'warn' && text.includes(key('bad')))
            );
        }),
        withForeignRecords('history leaves it out', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key(), 'v1');
            await storeForeignRecord(scene, key());
            await watermarks.set(key(), 'v2');
            const versions = (await watermarks.history(key())).map(({ version }) => version);
            equals(versions, ['v1', 'v2'].slice(-versions.length), 'the versions');
        }),
        withForeignRecords('set replaces it, and delete removes it', async scene => {
            const { watermarks, key } = scene;
            await storeForeignRecord(scene, key('a'));
            await watermarks.set(key('a'), 'v1');
            matches(await watermarks.get(key('a')), { version: 'v1' }, 'get after set');
            await storeForeignRecord(scene, key('b'));
            await watermarks.delete(key('b'));
            equals(await watermarks.get(key('b')), null, 'get after delete');
            await watermarks.create(key('b'), 'v2');
        }),
        withForeignRecords('a watch logs it, and goes on', async scene => {
            const { watermarks, key, recorder, log } = scene;
            const seen = recorder<string>();
            await watermarks.watch(key(), ({ version }) => seen.add(version));
            await storeForeignRecord(scene, key());
            await log.until('a warning that names the key', items =>
                items.some(({ level, text }) => level === 'warn' && text.includes(key()))
            );
            await watermarks.set(key(), 'v1');
            await seen.at(0, 'the change after it');
            equals(seen.items, ['v1'], 'what was told');
        }),
        withForeignRecords('watchAll passes it over, and goes on', async scene => {
            const { watermarks, key, prefix, recorder } = scene;
            await storeForeignRecord(scene, key('bad'));
            await watermarks.set(key('good'), 'v1');
            const events = recorder<WatermarkEvent>();
            for await (const event of watermarks.watchAll({ prefix, includeCurrent: true })) {
                events.add(event);
                if (event.type === 'current-complete') {
                    break;
                }
            }
            const told = events.items.map(event => (event.type === 'set' ? event.watermark.key : event.type));
            equals(told, [key('good'), 'current-complete'], 'what was told');
        })
    ]
};
