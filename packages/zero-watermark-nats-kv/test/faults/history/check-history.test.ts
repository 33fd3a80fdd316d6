import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { describe, expect, it } from 'vitest';

import { checkHistory, describeViolation, strictReads } from './check-history.js';
import { MAX_STALENESS_MS } from './outcome.js';
import type { History } from './history.js';
import { done, failed, found, open, recorded, revision, told, watcher } from './recorded.js';
import {
    advance,
    advanced,
    compareAndSet,
    create,
    ends,
    get,
    getAll,
    key,
    notAdvanced,
    remove,
    set
} from './recorded-keys.js';

const { UNAVAILABLE, OUTCOME_UNKNOWN, REVISION_CONFLICT, CLOSED, CORRUPT_RECORD, HISTORY_LOST } = WatermarkErrorCode;

function kindsIn(history: History): readonly string[] {
    return checkHistory(history).map(({ kind }) => kind);
}

describe('right histories', () => {
    it.each<[string, History]>([
        ['nothing happened', recorded([])],
        [
            'writes and reads one after the other',
            recorded(
                [
                    done(0, 10, create('x'), revision(3)),
                    done(20, 30, get, found('x', 3)),
                    done(40, 50, set('y')),
                    done(60, 70, get, found('y', 7)),
                    done(80, 90, compareAndSet(7, 'z'), revision(9)),
                    done(95, 99, getAll, { kind: 'states', states: { [key]: { value: 'z', revision: 9 } } })
                ],
                ends('z', 9)
            )
        ],
        [
            'sets that were merged, so that the first was never stored',
            recorded([done(0, 30, set('x')), done(1, 31, set('y')), done(2, 31, set('z'))], ends('z', 5))
        ],
        [
            'a write in doubt that has its effect long after, between others',
            recorded(
                [
                    failed(0, 10, set('x'), OUTCOME_UNKNOWN),
                    done(20, 30, set('y')),
                    done(40, 50, get, found('y', 2)),
                    done(60, 70, get, found('x', 3))
                ],
                ends('x', 3)
            )
        ],
        [
            'a write in doubt that never has an effect, and one that nobody sees',
            recorded(
                [
                    failed(0, 10, create('x'), OUTCOME_UNKNOWN),
                    open(11, set('w')),
                    done(20, 30, create('y'), revision(2))
                ],
                ends('y', 2)
            )
        ],
        [
            'a deletion without an end that has an effect',
            recorded(
                [
                    done(0, 10, set('x')),
                    open(20, remove),
                    done(30, 40, get, found()),
                    done(50, 60, create('y'), revision(8))
                ],
                ends('y', 8)
            )
        ],
        [
            'a conflict that only a write in doubt can have made',
            recorded(
                [
                    done(0, 10, create('x'), revision(1)),
                    open(20, set('y')),
                    failed(30, 40, compareAndSet(1, 'z'), REVISION_CONFLICT, 2)
                ],
                ends('y', 2)
            )
        ],
        [
            'a deletion and a new creation',
            recorded(
                [
                    done(0, 10, create('x'), revision(1)),
                    done(20, 30, remove),
                    done(40, 50, get, found()),
                    failed(42, 48, compareAndSet(1, 'w'), REVISION_CONFLICT),
                    done(60, 70, create('y'), revision(3)),
                    failed(80, 90, create('z'), REVISION_CONFLICT, 3)
                ],
                {
                    ...ends('y', 3),
                    watchers: [watcher(-1)],
                    observations: [told(12, key, 1, 'x'), told(32, key, 2), told(72, key, 3, 'y')]
                }
            )
        ],
        [
            'two that advance to the same: one of them does',
            recorded(
                [
                    done(0, 10, advance('07'), advanced(4)),
                    done(1, 11, advance('07'), notAdvanced('07', 4), 'b'),
                    done(2, 12, advance('05'), notAdvanced('07', 4), 'c'),
                    done(20, 30, advance('08'), advanced(5))
                ],
                ends('08', 5)
            )
        ],
        [
            'advance over a set that went back',
            recorded(
                [
                    done(0, 10, advance('09'), advanced(1)),
                    done(20, 30, set('01')),
                    done(40, 50, advance('05'), advanced(3))
                ],
                ends('05', 3)
            )
        ],
        [
            'a watcher that ended early, and one that began late',
            recorded([done(0, 10, set('x')), done(20, 30, set('y'))], {
                ...ends('y', 2),
                watchers: [watcher(-1, key, 15), { ...watcher(35, key), watcher: 'late' }],
                observations: [told(12, key, 1, 'x')]
            })
        ],
        [
            'a read that is as old as two leaders explain',
            recorded(
                [
                    done(0, 10, create('x'), revision(1)),
                    done(20, 30, compareAndSet(1, 'y'), revision(2)),
                    done(5_000, 5_010, get, found('x', 1)),
                    done(5_020, 5_030, get, found()),
                    done(5_040, 5_050, advance('a'), notAdvanced('x', 1))
                ],
                ends('y', 2)
            )
        ],
        [
            'failures that a fault may cause',
            recorded([
                failed(0, 16_000, set('x'), UNAVAILABLE),
                failed(0, 16_000, set('y'), CLOSED),
                failed(0, 16_000, get, UNAVAILABLE)
            ])
        ],
        [
            'a key that objects have',
            recorded([done(0, 10, { kind: 'set', key: '__proto__', value: 'x' })], {
                finalStates: Object.fromEntries([['__proto__', { value: 'x', revision: 1 }]])
            })
        ]
    ])('%s', (_, history) => {
        expect(checkHistory(history).map(describeViolation)).toEqual([]);
    });
});

const created = done(0, 10, create('x'), revision(1));
const replaced = done(20, 30, compareAndSet(1, 'y'), revision(2));
const late = 100 + MAX_STALENESS_MS;

describe('wrong histories', () => {
    it.each<[string, string, History]>([
        ['lost-write', 'an acknowledged write is gone at the end', recorded([created, replaced], ends('x', 1))],
        [
            'lost-write',
            'an acknowledged set that nobody saw is gone',
            recorded([created, done(20, 30, set('y'))], ends('x', 1))
        ],
        ['lost-write', 'the only write is gone', recorded([created])],
        ['lost-write', 'what was deleted is there again', recorded([created, done(20, 30, remove)], ends('x', 1))],
        [
            'stored-twice',
            'a retry was stored a second time, over a newer write',
            recorded([done(0, 10, set('x')), done(12, 14, get, found('x', 1)), done(20, 30, set('y'))], {
                ...ends('x', 3)
            })
        ],
        ['stored-twice', 'what was deleted was stored again', recorded([created, done(20, 30, remove)], ends('x', 3))],
        [
            'stale-read',
            'a read is older than two leaders explain',
            recorded([created, replaced, done(late, late + 10, get, found('x', 1))], ends('y', 2))
        ],
        [
            'stale-read',
            'a key is missing that is there all the time',
            recorded([created, done(late, late + 10, getAll, { kind: 'states', states: {} })], ends('x', 1))
        ],
        [
            'stale-read',
            'a key is there that was deleted long ago',
            recorded([created, done(20, 30, remove), done(late, late + 10, get, found('x', 1))])
        ],
        [
            'never-written',
            'a read finds what nobody wrote',
            recorded([created, done(20, 30, get, found('z', 2))], ends('x', 1))
        ],
        [
            'never-written',
            'a watcher is told of a deletion that nobody made',
            recorded([created], {
                ...ends('x', 1),
                watchers: [watcher(-1, key, 50)],
                observations: [told(12, key, 1, 'x'), told(13, key, 2)]
            })
        ],
        ['never-written', 'a key is there at the end that nobody wrote', recorded([], ends('x', 1))],
        [
            'seen-before-written',
            'a read finds what is written later',
            recorded([done(0, 5, get, found('x', 1)), done(10, 20, create('x'), revision(1))], ends('x', 1))
        ],
        [
            'failed-write-stored',
            'a write that was not stored is there',
            recorded([created, failed(20, 30, set('y'), UNAVAILABLE)], ends('y', 2))
        ],
        [
            'failed-write-stored',
            'a deletion that failed has removed the key',
            recorded([created, failed(20, 30, remove, UNAVAILABLE)])
        ],
        [
            'failed-write-stored',
            'a write that was refused for a conflict is there',
            recorded([created, replaced, failed(40, 50, compareAndSet(1, 'z'), REVISION_CONFLICT, 2)], ends('z', 3))
        ],
        [
            'revision-of-two-states',
            'a revision has two values',
            recorded([created, done(20, 30, set('y')), done(40, 50, get, found('y', 1))], ends('y', 1))
        ],
        [
            'revision-given-twice',
            'two calls are given one revision',
            recorded([done(0, 10, advance('x'), advanced(1)), done(0, 10, advance('x'), advanced(1))], ends('x', 1))
        ],
        [
            'revision-order',
            'a later write has a smaller revision',
            recorded([done(0, 10, set('x')), done(12, 14, get, found('x', 5)), done(20, 30, set('y'))], {
                ...ends('x', 5),
                observations: [told(32, key, 4, 'y')]
            })
        ],
        [
            'condition-ignored',
            'two creations succeed',
            recorded([done(0, 10, create('x'), revision(1)), done(5, 15, create('y'), revision(2))], ends('y', 2))
        ],
        [
            'condition-ignored',
            'an update is lost',
            recorded(
                [
                    created,
                    done(20, 30, compareAndSet(1, 'y'), revision(2)),
                    done(21, 31, compareAndSet(1, 'z'), revision(3))
                ],
                ends('z', 3)
            )
        ],
        [
            'advance-went-back',
            'advance replaces what is further on',
            recorded([done(0, 10, advance('09'), advanced(1)), done(20, 30, advance('07'), advanced(2))], ends('07', 2))
        ],
        [
            'advance-went-back',
            'advance replaces what is equal',
            recorded([done(0, 10, advance('09'), advanced(1)), done(20, 30, advance('09'), advanced(2))], ends('09', 2))
        ],
        [
            'wrong-answer',
            'advance says that it is behind what it is ahead of',
            recorded(
                [done(0, 10, advance('05'), advanced(1)), done(20, 30, advance('06'), notAdvanced('05', 1))],
                ends('05', 1)
            )
        ],
        [
            'wrong-answer',
            'history goes back',
            recorded(
                [
                    created,
                    replaced,
                    done(
                        40,
                        50,
                        { kind: 'history', key },
                        {
                            kind: 'revisions',
                            states: [
                                { value: 'y', revision: 2 },
                                { value: 'x', revision: 1 }
                            ]
                        }
                    )
                ],
                ends('y', 2)
            )
        ],
        [
            'not-linearizable',
            'a deletion that had ended comes after what was written later',
            recorded([created, done(20, 30, remove), done(40, 50, create('y'), revision(3))], {
                watchers: [watcher(-1)],
                observations: [told(12, key, 1, 'x'), told(52, key, 3, 'y'), told(53, key, 4)]
            })
        ],
        [
            'condition-ignored',
            'an acknowledged set is replaced by who does not know it',
            recorded([created, done(12, 14, set('y')), done(20, 30, compareAndSet(1, 'z'), revision(2))], ends('z', 2))
        ],
        [
            'unjustified-conflict',
            'a conflict while the key is where it is expected',
            recorded([created, failed(20, 30, compareAndSet(1, 'y'), REVISION_CONFLICT, undefined)], ends('x', 1))
        ],
        [
            'unjustified-conflict',
            'a conflict with what is expected',
            recorded([created, failed(20, 30, compareAndSet(1, 'y'), REVISION_CONFLICT, 1)], ends('x', 1))
        ],
        [
            'watch-missed-state',
            'a watcher is not told of the last state',
            recorded([created, replaced], {
                ...ends('y', 2),
                watchers: [watcher(-1)],
                observations: [told(12, key, 1, 'x')]
            })
        ],
        [
            'watch-missed-state',
            'a watcher of a key is told of nothing',
            recorded([created, replaced], { ...ends('y', 2), watchers: [watcher(15, key)] })
        ],
        [
            'watch-missed-state',
            'a watcher is not told of the deletion',
            recorded([created, done(20, 30, remove)], {
                watchers: [watcher(-1, key)],
                observations: [told(12, key, 1, 'x')]
            })
        ],
        [
            'watch-order',
            'a watcher is told of an older state after a newer one',
            recorded([created, replaced], {
                ...ends('y', 2),
                watchers: [watcher(-1)],
                observations: [told(32, key, 2, 'y'), told(33, key, 1, 'x')]
            })
        ],
        [
            'watch-order',
            'a watcher is told twice',
            recorded([created], {
                ...ends('x', 1),
                watchers: [watcher(-1)],
                observations: [told(32, key, 1, 'x'), told(33, key, 1, 'x')]
            })
        ],
        [
            'watch-order',
            'a watcher of all keys is told of a smaller revision of another key',
            recorded(
                [
                    done(0, 10, create('x'), revision(2)),
                    done(0, 10, { kind: 'create', key: 'other', value: 'z' }, revision(1))
                ],
                {
                    finalStates: { [key]: { value: 'x', revision: 2 }, other: { value: 'z', revision: 1 } },
                    watchers: [watcher(-1)],
                    observations: [told(32, key, 2, 'x'), told(33, 'other', 1, 'z')]
                }
            )
        ],
        ['wrong-code', 'a read is in doubt', recorded([failed(0, 10, get, OUTCOME_UNKNOWN)])],
        ['wrong-code', 'a set has a conflict', recorded([failed(0, 10, set('x'), REVISION_CONFLICT)])],
        ['wrong-code', 'a record is damaged', recorded([failed(0, 10, get, CORRUPT_RECORD)])],
        [
            'history-lost',
            'history is lost',
            recorded([failed(0, 10, { kind: 'watermark', shard: 's', token: 't' }, HISTORY_LOST)])
        ],
        [
            'unexpected-error',
            'an error is none of ours',
            recorded([{ client: 'a', call: get, startMs: 0, endMs: 10, error: { unexpected: 'TypeError: x' } }])
        ],
        ['too-long', 'a call takes too long', recorded([done(0, 16_501, get, found())])]
    ])('%s: %s', (kind, _, history) => {
        expect(kindsIn(history)).toEqual([kind]);
    });
});

describe('a violation', () => {
    const noise = Array.from({ length: 50 }, (_, index) => [
        done(100 * index, 100 * index + 10, set(`before-${index}`)),
        done(100 * index + 20, 100 * index + 30, get, found(`before-${index}`, index + 1))
    ]).flat();
    const history = recorded(
        [
            ...noise,
            done(9_000, 9_010, compareAndSet(50, 'lost'), revision(70)),
            done(9_020, 9_030, { kind: 'set', key: 'other', value: 'x' })
        ],
        { finalStates: { [key]: { value: 'before-49', revision: 50 }, other: { value: 'x', revision: 71 } } }
    );

    it('comes with the smallest history that has it', () => {
        const [violation, ...others] = checkHistory(history);
        expect(others).toEqual([]);
        expect(violation?.smallest.operations.length).toBeLessThanOrEqual(3);
        expect(violation === undefined ? [] : kindsIn(violation.smallest)).toEqual(['lost-write']);
    });

    it('is described with one event a line, in times from the first', () => {
        expect(checkHistory(history).map(describeViolation).join('\n')).toMatchInlineSnapshot(`
          "lost-write, key k: The final state is not what the acknowledged writes left. The key ends at revision 50; the acknowledged writes leave it otherwise.
                  0.0 to      10.0  a: set(key: "k", value: "before-49") -> done
               4100.0 to    4110.0  a: compareAndSet(key: "k", value: "lost", expectedRevision: 50) -> revision {"revision":70}
            at the end  "k" = "before-49" (revision 50)
            (99 more events of it are left out)"
        `);
    });
});

describe('reads that are stale', () => {
    it('are counted', () => {
        const history = recorded(
            [created, replaced, done(40, 50, get, found('x', 1)), done(60, 70, get, found('y', 2))],
            ends('y', 2)
        );
        expect(checkHistory(history)).toEqual([]);
        expect(strictReads(history)).toEqual({ reads: 2, stale: 1 });
    });
});

it('a history that was recorded wrongly is refused', () => {
    expect(() => checkHistory(recorded([done(0, 10, get, revision(1))]))).toThrow(/expected one of: state/);
});
