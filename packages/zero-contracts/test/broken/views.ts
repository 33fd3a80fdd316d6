import type { ViewEvents, ViewOptions, Watermark, WatermarkView } from '../../src/index.js';
import type { ViewFollower } from '../../src/backend.js';
import { LiveView } from '../../src/backend/live-view.js';
import { MemoryWatermarkService } from '../../src/memory/memory-watermark.service.js';
import { aMoment, type Broken, type MakeWatermarks } from './broken-backend.js';

const LATE_MS = 20;

type Changed = Partial<Record<keyof WatermarkView, unknown>>;

/** A view that differs from another one in some of its properties. */
function changed(view: WatermarkView, changes: Changed): WatermarkView {
    return new Proxy(view, {
        get: (target, name) => {
            if (Object.hasOwn(changes, name)) {
                return changes[name as keyof WatermarkView];
            }
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === 'function' ? value.bind(target) : value;
        }
    });
}

/** Gives views that differ from those of the memory store, or of a store that is broken otherwise. */
function viewingBy(
    change: (view: WatermarkView, options: ViewOptions) => Changed,
    ask: (options: ViewOptions) => ViewOptions = options => options,
    make: MakeWatermarks = (data, logger) => new MemoryWatermarkService(data, logger)
): MakeWatermarks {
    return (data, logger) => {
        const service = make(data, logger);
        const open = service.view.bind(service);
        return Object.assign(service, {
            view: (options: ViewOptions = {}) => {
                const view = open(ask(options));
                return changed(view, change(view, options));
            }
        });
    };
}

/** Feeds the views from the service's own `watchAll`, with something done to what they are told. */
function fedBy(change: (follower: ViewFollower) => ViewFollower, lateMs = 0): MakeWatermarks {
    return (data, logger) =>
        new (class extends MemoryWatermarkService {
            override view(options: ViewOptions = {}) {
                const follow = async (follower: ViewFollower) => {
                    const stop = new AbortController();
                    void this.#feed(change(follower), stop.signal);
                    return () => stop.abort();
                };
                const view = new LiveView({ logger, follow }, options, () => {});
                view.start();
                return view;
            }

            async #feed(follower: ViewFollower, signal: AbortSignal) {
                for await (const event of this.watchAll({ includeCurrent: true, signal })) {
                    await aMoment(lateMs);
                    if (event.type === 'current-complete') {
                        follower.complete();
                    } else {
                        follower.told(event);
                    }
                }
            }
        })(data, logger);
}

const withEvents = (
    view: WatermarkView,
    wrap: <Name extends keyof ViewEvents>(
        listener: (value: ViewEvents[Name]) => void,
        event: Name
    ) => (value: ViewEvents[Name]) => void
) => ({
    on: <Name extends keyof ViewEvents>(event: Name, listener: (value: ViewEvents[Name]) => void) =>
        view.on(event, wrap(listener, event))
});

const about = 'view: ';
const lifetime = 'view, from ready to close: ';

export const brokenViews: readonly Broken[] = [
    {
        defect: 'a view is ready before it holds what is there',
        breaks: `${about}once it is ready it holds what getAll gives, to the letter`,
        watermarks: viewingBy(
            () => ({ ready: Promise.resolve(), get: () => null, entries: () => new Map().entries() }),
            undefined,
            fedBy(follower => follower, LATE_MS)
        )
    },
    ...(
        [
            'what set has stored is in it when set resolves',
            'what was deleted is not in it when delete resolves, nor after clear',
            'of writes that come together, each is in it when it resolves, or a newer one of its key'
        ] as const
    ).map(promised => ({
        defect: `a view hears of this process's own writes as late as of others' (${promised})`,
        breaks: about + promised,
        watermarks: fedBy(follower => follower, LATE_MS)
    })),
    {
        defect: 'a view tells of what was there before',
        breaks: `${about}each change is told once, in order, and not what was there before`,
        watermarks: viewingBy(view => ({
            on: (event: keyof ViewEvents, listener: (value: unknown) => void) => {
                for (const [, watermark] of event === 'change' ? view.entries() : []) {
                    listener({ type: 'set', watermark });
                }
                return view.on(event, listener);
            }
        }))
    },
    {
        defect: 'a view tells of a change before it has it',
        breaks: `${about}when a change is told, the view has it`,
        watermarks: viewingBy(view => {
            const before = new Map<string, Readonly<Watermark>>();
            view.on('change', change =>
                setTimeout(() => {
                    if (change.type === 'set') {
                        before.set(change.watermark.key, change.watermark);
                    } else {
                        before.delete(change.key);
                    }
                })
            );
            return { get: (key: string) => before.get(key) ?? null };
        })
    },
    {
        defect: 'a view is not told of deletions',
        breaks: `${about}it follows what another instance writes and deletes, to the letter`,
        watermarks: fedBy(follower => ({
            ...follower,
            told: change => (change.type === 'set' ? follower.told(change) : undefined)
        }))
    },
    {
        defect: 'a view tells of changes out of order',
        breaks: `${about}a key never goes back while two instances write it, and ends at its last state`,
        watermarks: viewingBy(view =>
            withEvents(view, listener => {
                const held: Parameters<typeof listener>[0][] = [];
                return value => {
                    const earlier = held.pop();
                    if (earlier === undefined) {
                        held.push(value);
                    } else {
                        [value, earlier].forEach(listener);
                    }
                };
            })
        )
    },
    {
        defect: 'the prefix of a view is a pattern',
        breaks: `${about}a prefix is taken literally; what does not start with it is no part of it`,
        watermarks: viewingBy(
            () => ({}),
            ({ prefix = '', ...options }) => ({ ...options, prefix: prefix.slice(0, -1) })
        )
    },
    {
        defect: 'a view says of keys that it can’t hold that they are absent',
        breaks: `${about}a key that it can’t hold is refused, and not called absent`,
        watermarks: viewingBy((view, { prefix = '' }) => ({
            get: (key: string) => (key.startsWith(prefix) ? view.get(key) : null)
        }))
    },
    {
        defect: 'a view gives out copies that are not frozen',
        breaks: `${about}what it gives is frozen, and so is what it tells`,
        watermarks: viewingBy(view => ({ get: (key: string) => structuredClone(view.get(key)) }))
    },
    {
        defect: 'a view keeps what was under a key that can’t be read any more',
        breaks: `${about}a record that can’t be read is left out, and logged, as by getAll`,
        watermarks: fedBy(follower => follower)
    },
    {
        defect: 'a view keeps what is gone since the store was set back',
        breaks: `${about}after the store was set back, it holds what is there now, and tells of the difference`,
        watermarks: fedBy(follower => follower)
    },
    {
        defect: 'a view that is not ready says that nothing is there',
        breaks: `${lifetime}until it is ready it refuses to be read, and does not call absent what is there`,
        watermarks: viewingBy(
            view => ({ get: (key: string) => (view.status === 'loading' ? null : view.get(key)) }),
            undefined,
            fedBy(follower => follower, LATE_MS)
        )
    },
    {
        defect: 'nobody confirms to a view that it is up to date',
        breaks: `${lifetime}once it is ready it is live, and stays young`,
        watermarks: fedBy(follower => follower)
    },
    {
        defect: 'a listener that fails ends all of them',
        breaks: `${lifetime}a listener that fails is logged, and disturbs neither the others nor the view`,
        watermarks: viewingBy(view => {
            let failed = false;
            return withEvents(view, listener => value => {
                try {
                    return failed ? undefined : listener(value);
                } catch (error) {
                    failed = true;
                    throw error;
                }
            });
        })
    },
    {
        defect: 'what a listener rejects with is dropped',
        breaks: `${lifetime}what a listener throws or rejects with is logged`,
        watermarks: viewingBy(view =>
            withEvents(view, listener => value => {
                const result: unknown = listener(value);
                if (result instanceof Promise) {
                    result.catch(() => {});
                }
            })
        )
    },
    {
        defect: 'a listener is ended a moment after that was asked for',
        breaks: `${lifetime}a listener that was ended is not called, also when another one ends it`,
        watermarks: viewingBy(view => ({
            on: (event: keyof ViewEvents, listener: (value: unknown) => void) => {
                const end = view.on(event, listener);
                return () => void aMoment().then(end);
            }
        }))
    },
    {
        defect: 'a closed view goes on',
        breaks: `${lifetime}close ends it: it refuses to be read, tells nothing any more, and says that it is closed`,
        watermarks: viewingBy(() => ({ close: async () => {} }))
    },
    {
        defect: 'an iteration ends when the view closes',
        breaks: `${lifetime}an iteration that is under way when it closes does not seem to have come to the end`,
        watermarks: viewingBy(view => ({
            *entries() {
                for (const entry of view.entries()) {
                    if (view.status === 'closed') {
                        return;
                    }
                    yield entry;
                }
            }
        }))
    },
    {
        defect: 'ready of a view that was closed never ends',
        breaks: `${lifetime}one that is closed before it is ready rejects ready`,
        watermarks: viewingBy(() => ({ ready: new Promise(() => {}) }))
    },
    {
        defect: 'views outlive their service',
        breaks: `${lifetime}closing the service closes it`,
        watermarks: fedBy(follower => follower)
    },
    {
        defect: 'a view leaves out what is too much for it',
        breaks: `${lifetime}with more watermarks than it may hold, it is never ready`,
        watermarks: viewingBy(
            () => ({}),
            ({ maxEntries: _, ...options }) => options
        )
    },
    {
        defect: 'a view grows beyond what it may hold',
        breaks: `${lifetime}one that grows beyond what it may hold closes, which is logged, and leaves nothing out silently`,
        watermarks: viewingBy(
            () => ({}),
            ({ maxEntries: _, ...options }) => options
        )
    },
    {
        defect: 'options of a view are taken as they are',
        breaks: `${lifetime}options that are wrong are refused`,
        watermarks: viewingBy(
            () => ({}),
            () => ({})
        )
    }
];
