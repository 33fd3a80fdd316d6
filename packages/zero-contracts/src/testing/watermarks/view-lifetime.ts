import { WatermarkErrorCode } from '../../errors.js';
import type { ViewOptions, ViewStatus } from '../../view.js';
import { equals, holds, matches, rejects } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';
import { refuses } from './view.js';

const { CLOSED, INVALID_ARGUMENT, UNAVAILABLE, VIEW_TOO_LARGE } = WatermarkErrorCode;

const own = given({ own: {} });
const logged = given({ own: {}, needs: ['instances'] });

const throwing = (): never => {
    throw new Error('thrown by the listener');
};
const rejecting = () => Promise.reject(new Error('rejected by the listener')) as unknown as undefined;

export const viewLifetime: Topic = {
    service: 'WatermarkService',
    name: 'view, from ready to close',
    promises: [
        promise('until it is ready it refuses to be read, and does not call absent what is there', async scene => {
            const { watermarks, key, prefix, soon } = scene;
            await watermarks.set(key(), 'v1');
            await using view = watermarks.view({ prefix });
            if (view.status === 'loading') {
                equals(view.lagMs, Number.POSITIVE_INFINITY, 'lagMs while it is loading');
                refuses(UNAVAILABLE, () => view.get(key()), 'get');
                refuses(UNAVAILABLE, () => view.size, 'size');
                refuses(UNAVAILABLE, () => view.entries(), 'entries');
            }
            await soon(view.ready, 'ready');
            matches(view.get(key()), { version: 'v1' }, 'get once it is ready');
        }),
        promise('once it is ready it is live, and stays young', async scene => {
            const { watermarks, prefix, soon, recorder } = scene;
            await using view = watermarks.view({ prefix });
            await soon(view.ready, 'ready');
            equals(view.status, 'live', 'status');
            const lags = recorder<number>();
            const timer = setInterval(() => lags.add(view.lagMs), 10);
            const confirmed = (items: readonly number[]) =>
                items.some((lag, n) => lag === 0 || lag < (items[n - 1] ?? 0));
            await lags.until('a confirmation that it is up to date', confirmed);
            clearInterval(timer);
            holds(view.lagMs >= 0 && view.lagMs < 5_000, `lagMs, ${view.lagMs}, is from 0 to 5 s`);
        }),
        promise('a listener that fails is logged, and disturbs neither the others nor the view', async scene => {
            const { watermarks, key, prefix, soon, recorder } = scene;
            await using view = watermarks.view({ prefix });
            await soon(view.ready, 'ready');
            const seen = recorder<string>();
            view.on('change', throwing);
            view.on('change', rejecting);
            view.on('change', change => seen.add(change.type));
            await watermarks.set(key(), 'v1');
            await seen.at(0, 'the change, told to the last listener');
            await watermarks.delete(key());
            await seen.at(1, 'the next change');
        }),
        own('what a listener throws or rejects with is logged', async ({ watermarks, key, soon, log }) => {
            await using view = watermarks.view();
            await soon(view.ready, 'ready');
            view.on('change', throwing);
            view.on('change', rejecting);
            await watermarks.set(key(), 'v1');
            for (const text of ['thrown by the listener', 'rejected by the listener']) {
                await log.until(`"${text}"`, items => items.some(item => item.text.includes(text)));
            }
        }),
        promise('a listener that was ended is not called, also when another one ends it', async scene => {
            const { watermarks, key, prefix, soon, recorder } = scene;
            await using view = watermarks.view({ prefix });
            await soon(view.ready, 'ready');
            const seen = recorder<string>();
            const end = [
                view.on('change', () => end[1]?.()),
                view.on('change', () => seen.add('ended')),
                view.on('change', () => seen.add('still there'))
            ];
            await watermarks.set(key(), 'v1');
            await seen.at(0, 'the change');
            end[2]?.();
            await watermarks.set(key(), 'v2');
            equals(seen.items, ['still there'], 'who was called');
        }),
        promise(
            'close ends it: it refuses to be read, tells nothing any more, and says that it is closed',
            async scene => {
                const { watermarks, key, prefix, soon, recorder } = scene;
                const view = watermarks.view({ prefix });
                await using still = watermarks.view({ prefix });
                await soon(Promise.all([view.ready, still.ready]), 'ready');
                const [seen, statuses] = [recorder<string>(), recorder<ViewStatus>()];
                view.on('change', ({ type }) => seen.add(type));
                view.on('status', statuses.add);
                await Promise.all([view.close(), view.close()]);
                await watermarks.set(key(), 'v1');
                matches(still.get(key()), { version: 'v1' }, 'get of another view');
                equals([seen.items, statuses.items, view.status], [[], ['closed'], 'closed'], 'what was told');
                refuses(CLOSED, () => view.get(key()), 'get');
                refuses(CLOSED, () => view.size, 'size');
                refuses(CLOSED, () => view.entries(), 'entries');
            }
        ),
        promise('an iteration that is under way when it closes does not seem to have come to the end', async scene => {
            const { watermarks, key, prefix, soon } = scene;
            await Promise.all(['a', 'b', 'c'].map(name => watermarks.set(key(name), 'v1')));
            const view = watermarks.view({ prefix });
            await soon(view.ready, 'ready');
            const entries = view.entries();
            entries.next();
            await view.close();
            equals([...entries].length, 2, 'how many more there were');
        }),
        promise('one that is closed before it is ready rejects ready', async ({ watermarks, prefix, soon }) => {
            const view = watermarks.view({ prefix });
            const wasReady = view.status !== 'loading';
            await view.close();
            const failed = await soon(
                view.ready.then(
                    () => false,
                    () => true
                ),
                'an end of ready'
            );
            equals(failed, !wasReady, 'whether ready was rejected');
        }),
        own('closing the service closes it', async ({ watermarks, key, soon }) => {
            const view = watermarks.view();
            await soon(view.ready, 'ready');
            await watermarks.close();
            equals(view.status, 'closed', 'status');
            refuses(CLOSED, () => view.get(key()), 'get');
            await rejects(CLOSED, () => watermarks.view().ready, 'ready of a view of a closed service');
        }),
        promise('with more watermarks than it may hold, it is never ready', async scene => {
            const { watermarks, key, prefix, soon } = scene;
            await Promise.all(['a', 'b', 'c'].map(name => watermarks.set(key(name), 'v1')));
            await using enough = watermarks.view({ prefix, maxEntries: 3 });
            await soon(enough.ready, 'ready of one that may hold them');
            const view = watermarks.view({ prefix, maxEntries: 2 });
            await rejects(VIEW_TOO_LARGE, () => soon(view.ready, 'an end of ready'), 'ready');
            refuses(VIEW_TOO_LARGE, () => view.get(key('a')), 'get');
        }),
        logged(
            'one that grows beyond what it may hold closes, which is logged, and leaves nothing out silently',
            async scene => {
                const { watermarks, key, prefix, soon, recorder, otherWatermarks, log } = scene;
                const other = await otherWatermarks();
                const view = watermarks.view({ prefix, maxEntries: 2 });
                await soon(view.ready, 'ready');
                const statuses = recorder<ViewStatus>();
                view.on('status', statuses.add);
                for (const name of ['a', 'b', 'c']) {
                    await other.set(key(name), 'v1');
                }
                await statuses.until('closed', items => items.includes('closed'));
                await log.until('that it was closed', items => items.some(({ text }) => text.includes('maxEntries')));
                refuses(VIEW_TOO_LARGE, () => view.get(key('a')), 'get');
            }
        ),
        promise('options that are wrong are refused', async ({ watermarks, soon }) => {
            for (const options of [{ prefix: 1 }, { maxEntries: 0 }, { maxEntries: 1.5 }, { more: true }, null]) {
                const view = watermarks.view(options as ViewOptions);
                const what = `ready with ${JSON.stringify(options)}`;
                await rejects(INVALID_ARGUMENT, () => soon(view.ready, 'an end of ready'), what);
            }
        })
    ]
};
