import { WatermarkErrorCode } from '../../errors.js';
import type { ViewOptions, WatermarkView } from '../../view.js';
import type { Watermark, WatermarkChange, WatermarkService } from '../../watermark.js';
import { equals, grows, holds, matches, present } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';
import type { Scene } from '../scene.js';
import { writes } from './calls.js';
import { textOf, textsOf } from './iteration.js';

const withInstances = given({ needs: ['instances'] });
const withForeignRecords = given({ own: {}, needs: ['storeForeignRecord', 'instances'] });
const restorable = given({ own: {}, alone: true, needs: ['instances', 'backup', 'backupWhileOpen'] });

/** A view of the scene's part of the space, once it is ready. */
async function viewOf(scene: Scene, options: ViewOptions = {}): Promise<WatermarkView> {
    const view = scene.watermarks.view({ prefix: scene.prefix, ...options });
    await scene.soon(view.ready, 'ready of the view');
    return view;
}

/** Takes down what a view tells, and what it gives for the key at that moment. */
function changesOf({ recorder }: Scene, view: WatermarkView) {
    const changes = recorder<WatermarkChange>();
    view.on('change', changes.add);
    return changes;
}

/** Waits until the view gives this for a key. */
async function until(scene: Scene, view: WatermarkView, key: string, version: string | null): Promise<void> {
    const versionNow = () => view.get(key)?.version ?? null;
    const seen = scene.recorder<string | null>();
    const stop = view.on('change', () => seen.add(versionNow()));
    seen.add(versionNow());
    await seen.until(`${key} at ${version} in the view`, items => items.at(-1) === version);
    stop();
}

/** What a view holds, in the order of the keys. */
const contentOf = (view: WatermarkView) => [...view.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1));

async function isAsStored(scene: Scene, view: WatermarkView, watermarks: WatermarkService): Promise<void> {
    const all = [...(await watermarks.getAll())].filter(([key]) => key.startsWith(scene.prefix));
    equals(
        contentOf(view),
        all.toSorted(([a], [b]) => (a < b ? -1 : 1)),
        'what the view holds'
    );
}

export const viewing: Topic = {
    service: 'WatermarkService',
    name: 'view',
    promises: [
        promise('once it is ready it holds what getAll gives, to the letter', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key('a'), 'v1', { a: [1, { b: 'ü' }] });
            await watermarks.set(key('b'), 'v2');
            await watermarks.set(key('gone'), 'v3');
            await watermarks.delete(key('gone'));
            await using view = await viewOf(scene);
            await isAsStored(scene, view, watermarks);
            equals(view.get(key('a')), await watermarks.get(key('a')), 'get');
            equals([view.get(key('gone')), view.get(key('none'))], [null, null], 'get of what is not there');
            equals(view.size, 2, 'size');
        }),
        ...Object.entries(writes).map(([method, write]) =>
            promise(`what ${method} has stored is in it when ${method} resolves`, async scene => {
                const { watermarks, key } = scene;
                await watermarks.set(key(), 'v0');
                await using view = await viewOf(scene);
                for (const version of ['v1', 'v2', 'v3']) {
                    const name = method === 'create' ? key(version) : key();
                    await write(watermarks, { key: name, version, data: { of: [version] } });
                    const found = view.get(method === 'create' ? `${name}.new` : name);
                    matches(found, { version, data: { of: [version] } }, `get right after ${method}`);
                }
            })
        ),
        promise('what was deleted is not in it when delete resolves, nor after clear', async scene => {
            const { watermarks, key } = scene;
            await Promise.all(['a', 'b'].map(name => watermarks.set(key(name), 'v1')));
            await using view = await viewOf(scene);
            await watermarks.delete(key('a'));
            equals(
                [...view.entries()].map(([name]) => name),
                [key('b')],
                'the keys after delete'
            );
            await watermarks.delete(key('b'));
            equals(view.size, 0, 'size');
            await watermarks.set(key('a'), 'v2');
            matches(view.get(key('a')), { version: 'v2' }, 'get after it was set again');
        }),
        promise(
            'of writes that come together, each is in it when it resolves, or a newer one of its key',
            async scene => {
                const { watermarks, key } = scene;
                await using view = await viewOf(scene);
                const outdated: string[] = [];
                const write = async (name: string, n: number) => {
                    await watermarks.set(name, `v${n}`);
                    if (Number((view.get(name)?.version ?? 'v0').slice(1)) < n) {
                        outdated.push(`${name} v${n}`);
                    }
                };
                const names = ['a', 'b', 'c'].map(name => key(name));
                await Promise.all(names.flatMap(name => Array.from({ length: 30 }, (_, n) => write(name, n + 1))));
                equals(outdated, [], 'writes that resolved and were not in it');
            }
        ),
        promise('each change is told once, in order, and not what was there before', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key('before'), 'v0');
            await using view = await viewOf(scene);
            const changes = changesOf(scene, view);
            await watermarks.set(key('a'), 'v1');
            await watermarks.set(key('a'), 'v2', { b: 1 });
            await watermarks.delete(key('before'));
            await watermarks.delete(key('none'));
            await watermarks.set(key('end'), 'v3');
            await changes.until('the last change', items => items.length >= 4);
            // Whatever else would be told of these comes before what is told of another instance's, or of this one's.
            await watermarks.set(key('end'), 'v4');
            await changes.until('one more', items => items.some(item => textOf(item) === `set ${key('end')} v4`));
            const expected = [`set ${key('a')} v1`, `set ${key('a')} v2`, `delete ${key('before')}`];
            equals(
                textsOf(changes.items),
                [...expected, `set ${key('end')} v3`, `set ${key('end')} v4`],
                'what was told'
            );
        }),
        promise('when a change is told, the view has it', async scene => {
            const { watermarks, key, recorder } = scene;
            await using view = await viewOf(scene);
            const seen = recorder<Readonly<Watermark> | null>();
            view.on('change', () => seen.add(view.get(key())));
            await watermarks.set(key(), 'v1');
            matches(await seen.at(0, 'the set'), { version: 'v1' }, 'get at the set');
            await watermarks.delete(key());
            equals(await seen.at(1, 'the deletion'), null, 'get at the deletion');
        }),
        withInstances('it follows what another instance writes and deletes, to the letter', async scene => {
            const { watermarks, key, otherWatermarks } = scene;
            const other = await otherWatermarks();
            await other.set(key('gone'), 'v0');
            await using view = await viewOf(scene);
            const changes = changesOf(scene, view);
            await other.set(key('a'), 'v1', { a: { b: null } });
            await until(scene, view, key('a'), 'v1');
            await other.delete(key('gone'));
            await until(scene, view, key('gone'), null);
            await isAsStored(scene, view, watermarks);
            equals(textsOf(changes.items), [`set ${key('a')} v1`, `delete ${key('gone')}`], 'what was told');
        }),
        withInstances('a key never goes back while two instances write it, and ends at its last state', async scene => {
            const { watermarks, key, otherWatermarks } = scene;
            const other = await otherWatermarks();
            await using view = await viewOf(scene);
            const changes = changesOf(scene, view);
            const burst = async (service: WatermarkService, name: string) => {
                for (let n = 0; n < 20; n += 1) {
                    await (n % 7 === 6 ? service.delete(key()) : service.set(key(), `${name}${n}`));
                }
            };
            await Promise.all([burst(watermarks, 'one'), burst(other, 'two')]);
            await other.set(key(), 'last');
            await changes.until('the last change', items => textsOf(items.slice(-1))[0] === `set ${key()} last`);
            const revisionOf = (change: WatermarkChange) =>
                change.type === 'set' ? change.watermark.revision : change.revision;
            grows(changes.items.map(revisionOf), 'the revisions of the changes');
            equals(view.get(key()), await watermarks.get(key()), 'get');
        }),
        promise('a prefix is taken literally; what does not start with it is no part of it', async scene => {
            const { watermarks, key } = scene;
            await Promise.all(['in.1', 'in', 'i', 'IN', 'out'].map(name => watermarks.set(key(name), 'v1')));
            await using view = await viewOf(scene, { prefix: key('in') });
            const changes = changesOf(scene, view);
            await Promise.all(['in.2', 'i*', 'out'].map(name => watermarks.set(key(name), 'v2')));
            const keys = contentOf(view).map(([name]) => name);
            equals(keys, [key('in'), key('in.1'), key('in.2')], 'the keys');
            equals(textsOf(changes.items), [`set ${key('in.2')} v2`], 'what was told');
        }),
        promise('a key that it can’t hold is refused, and not called absent', async scene => {
            const { key } = scene;
            await using view = await viewOf(scene, { prefix: key('in') });
            refuses(WatermarkErrorCode.INVALID_KEY, () => view.get(key('out')), 'get');
            equals(view.get(key('in')), null, 'get of a key that it could hold');
        }),
        promise('what it gives is frozen, and so is what it tells', async scene => {
            const { watermarks, key } = scene;
            const data = { list: [{ a: 1 }] };
            await watermarks.set(key('before'), 'v1', data);
            await using view = await viewOf(scene);
            const changes = changesOf(scene, view);
            await watermarks.set(key('after'), 'v1', data);
            data.list.push({ a: 2 });
            const told = await changes.at(0, 'the change');
            const given = [view.get(key('before')), view.get(key('after')), told.type === 'set' && told.watermark];
            for (const [index, watermark] of given.entries()) {
                const list = present(watermark || null, `watermark ${index}`).data?.['list'] as unknown[];
                equals(list, [{ a: 1 }], `the data of watermark ${index}`);
                holds([watermark, list, list[0]].every(Object.isFrozen), `watermark ${index} is frozen`);
            }
        }),
        withForeignRecords('a record that can’t be read is left out, and logged, as by getAll', async scene => {
            const { watermarks, key, capabilities, space, log } = scene;
            const storeForeignRecord = present(capabilities.storeForeignRecord, 'storeForeignRecord');
            await storeForeignRecord(space, key('bad'));
            await watermarks.set(key('good'), 'v1');
            await watermarks.set(key('spoilt'), 'v1');
            await using view = await viewOf(scene);
            equals(
                contentOf(view).map(([name]) => name),
                [key('good'), key('spoilt')],
                'the keys'
            );
            await log.until('a warning', items => items.some(({ text }) => text.includes(key('bad'))));
            await storeForeignRecord(space, key('spoilt'));
            await until(scene, view, key('spoilt'), null);
            await watermarks.set(key('spoilt'), 'v2');
            matches(view.get(key('spoilt')), { version: 'v2' }, 'get after it was set again');
        }),
        restorable(
            'after the store was set back, it holds what is there now, and tells of the difference',
            async scene => {
                const { watermarks, key, capabilities, space } = scene;
                await watermarks.set(key('kept'), 'v1');
                await watermarks.set(key('back'), 'v1');
                const restore = await present(capabilities.backup, 'backup')(space);
                await watermarks.set(key('back'), 'v2');
                await watermarks.set(key('gone'), 'v1');
                await using view = await viewOf(scene);
                const changes = changesOf(scene, view);
                await restore();
                await until(scene, view, key('gone'), null);
                await until(scene, view, key('back'), 'v1');
                matches(view.get(key('kept')), { version: 'v1' }, 'get of what was kept');
                const told = textsOf(changes.items).filter(text => !text.includes(key('kept')));
                equals(told.toSorted(), [`delete ${key('gone')}`, `set ${key('back')} v1`], 'what was told');
                await watermarks.set(key('after'), 'v1');
                await isAsStored(scene, view, watermarks);
            }
        )
    ]
};

/** Fails unless the call throws a WatermarkError of this code. */
export function refuses(code: WatermarkErrorCode, call: () => unknown, what: string): void {
    try {
        call();
    } catch (error) {
        matches(error, { code }, `the error of ${what}`);
        return;
    }
    holds(false, `${what} is refused`);
}
