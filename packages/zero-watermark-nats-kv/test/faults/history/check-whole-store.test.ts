import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { describe, expect, it } from 'vitest';

import { checkHistory, describeViolation } from './check-history.js';
import type { History } from './history.js';
import { MAX_STALENESS_MS } from './outcome.js';
import { done, failed, found, recorded, revision, told, watcher } from './recorded.js';
import {
    clear,
    compareAndSet,
    create,
    ends,
    exportKeys,
    get,
    importKeys,
    imported,
    key,
    remove,
    set,
    view,
    viewed
} from './recorded-keys.js';

const { OUTCOME_UNKNOWN, UNAVAILABLE } = WatermarkErrorCode;

const created = done(0, 10, create('x'), revision(1));
const replaced = done(20, 30, compareAndSet(1, 'y'), revision(2));
const createdAnew = done(40, 50, create('y'), revision(3));
const late = 100 + MAX_STALENESS_MS;

describe('right histories of keys that are cleared, viewed, exported and imported', () => {
    it.each<[string, History]>([
        [
            'all keys are removed while somebody writes, and then for good',
            recorded(
                [
                    done(0, 10, create('x'), revision(1)),
                    done(20, 60, clear),
                    done(30, 40, create('y'), revision(3)),
                    done(70, 80, get, found('y', 3)),
                    done(90, 95, clear),
                    done(96, 99, get, found())
                ],
                {
                    watchers: [watcher(-1)],
                    observations: [told(12, key, 1, 'x'), told(25, key, 2), told(42, key, 3, 'y'), told(93, key, 4)]
                }
            )
        ],
        [
            'a removal of all keys in doubt has its effect later, one that failed plainly had it before',
            recorded([
                done(0, 10, create('x'), revision(1)),
                failed(20, 30, clear, OUTCOME_UNKNOWN),
                done(40, 50, get, found('x', 1)),
                done(60, 70, get, found()),
                done(80, 90, create('y'), revision(3)),
                failed(82, 95, clear, UNAVAILABLE),
                done(96, 99, get, found())
            ])
        ],
        [
            'imports: into an empty key, into one that has something else, over it, in doubt, and read by an export',
            recorded(
                [
                    done(0, 10, importKeys('x'), imported()),
                    done(20, 30, importKeys('y'), imported(key)),
                    done(40, 50, exportKeys, { kind: 'states', states: { [key]: { value: 'x', revision: 1 } } }),
                    done(60, 70, importKeys('z', 'replace'), imported()),
                    failed(80, 90, importKeys('u', 'replace'), OUTCOME_UNKNOWN),
                    failed(91, 95, importKeys('v', 'replace'), UNAVAILABLE),
                    done(96, 99, get, found('v', 3)),
                    done(110, 120, get, found('u', 4))
                ],
                ends('u', 4)
            )
        ],
        [
            'a view that is as old as it says, but has what its process has written',
            recorded(
                [
                    done(0, 10, create('x'), revision(1), 'b'),
                    done(20, 30, compareAndSet(1, 'y'), revision(2)),
                    done(31, 31, view, viewed(10, { [key]: { value: 'y', revision: 2 } })),
                    done(40, 50, compareAndSet(2, 'z'), revision(3), 'b'),
                    done(60, 60, view, viewed(20, { [key]: { value: 'y', revision: 2 } })),
                    done(70, 70, view, viewed(1, { [key]: { value: 'z', revision: 3 } }))
                ],
                {
                    ...ends('z', 3),
                    watchers: [{ watcher: 'v', isView: true, fromMs: -1 }],
                    observations: [told(29, key, 2, 'y', 'v'), told(65, key, 3, 'z', 'v')]
                }
            )
        ],
        [
            'a view that has an own write of one key before an older one of another',
            recorded(
                [
                    done(0, 10, create('x'), revision(2)),
                    done(0, 10, { kind: 'create', key: 'other', value: 'z' }, revision(1), 'b')
                ],
                {
                    finalStates: { [key]: { value: 'x', revision: 2 }, other: { value: 'z', revision: 1 } },
                    watchers: [{ watcher: 'v', isView: true, fromMs: -1 }],
                    observations: [told(9, key, 2, 'x', 'v'), told(11, 'other', 1, 'z', 'v')]
                }
            )
        ]
    ])('%s', (_, history) => {
        expect(checkHistory(history).map(describeViolation)).toEqual([]);
    });
});

describe('wrong histories of keys that are cleared, viewed, exported and imported', () => {
    it.each<[string, string, History]>([
        [
            'condition-ignored',
            'an import takes the place of what it must keep',
            recorded([created, done(20, 30, importKeys('y'), imported())], ends('y', 2))
        ],
        [
            'lost-write',
            'what was imported is not there',
            recorded([created, done(20, 30, importKeys('y', 'replace'), imported())], ends('x', 1))
        ],
        [
            'stale-read',
            'an import finds something where there is nothing',
            recorded([done(0, 10, importKeys('y'), imported(key))])
        ],
        [
            'stale-read',
            'an export lacks a key',
            recorded([created, done(late, late + 10, exportKeys, { kind: 'states', states: {} })], ends('x', 1))
        ],
        [
            'seen-before-written',
            'a key is exported before it is written',
            recorded(
                [
                    done(0, 5, exportKeys, { kind: 'states', states: { [key]: { value: 'x', revision: 1 } } }),
                    done(10, 20, create('x'), revision(1))
                ],
                ends('x', 1)
            )
        ],
        ['not-cleared', 'a clear leaves a key', recorded([created, done(late, late + 10, clear)], ends('x', 1))],
        [
            'not-cleared',
            'a clear does not see that a key is there',
            recorded(
                [created, done(late, late + 10, clear), done(late + 20, late + 30, get, found('x', 1))],
                ends('x', 1)
            )
        ],
        [
            'lost-write',
            'a clear that failed plainly removes a key later',
            recorded([done(0, 5, set('w')), failed(7, 9, clear, UNAVAILABLE), createdAnew, done(60, 70, get, found())])
        ],
        [
            'stale-read',
            'a view is older than it says',
            recorded([created, replaced, done(late, late, view, viewed(50, { [key]: { value: 'x', revision: 1 } }))], {
                ...ends('y', 2),
                watchers: [{ watcher: 'v', isView: true, fromMs: -1, untilMs: late + 1 }],
                observations: [told(12, key, 1, 'x', 'v')]
            })
        ],
        [
            'view-differs',
            'a view goes back',
            recorded([created, replaced, done(40, 40, view, viewed(50, { [key]: { value: 'x', revision: 1 } }), 'c')], {
                ...ends('y', 2),
                watchers: [{ watcher: 'v', isView: true, fromMs: -1 }],
                observations: [told(12, key, 1, 'x', 'v'), told(35, key, 2, 'y', 'v')]
            })
        ],
        [
            'own-write-not-in-view',
            'a view does not hold a deletion of its process',
            recorded(
                [created, done(20, 30, remove), done(40, 40, view, viewed(50, { [key]: { value: 'x', revision: 1 } }))],
                {
                    watchers: [{ watcher: 'v', isView: true, fromMs: -1 }],
                    observations: [told(12, key, 1, 'x', 'v'), told(45, key, 2, undefined, 'v')]
                }
            )
        ],
        [
            'watch-missed-state',
            'a view does not come to the final state',
            recorded([created, replaced], {
                ...ends('y', 2),
                watchers: [{ watcher: 'v', isView: true, fromMs: -1 }],
                observations: [told(12, key, 1, 'x', 'v')]
            })
        ]
    ])('%s: %s', (kind, _, history) => {
        expect(checkHistory(history).map(violation => violation.kind)).toEqual([kind]);
    });
});
