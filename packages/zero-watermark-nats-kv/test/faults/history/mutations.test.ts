import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkHistory } from './check-history.js';
import type { History, KeptToken, Operation } from './history.js';
import { callPlans, simulateKeys } from './simulated-keys.js';
import { shardCallPlans, simulateShard } from './simulated-shards.js';
import type { ViolationKind } from './violation.js';

/** Makes a right history wrong at one place; `undefined`: there is no such place. */
type Mutation = (history: History, choice: number) => History | undefined;

type Mutations = readonly (readonly [ViolationKind, string, Mutation])[];

function pick<T>(values: readonly T[], choice: number): T | undefined {
    return values[choice % Math.max(1, values.length)];
}

function replace(history: History, from: Operation, to: Operation): History {
    return { ...history, operations: history.operations.map(each => (each === from ? to : each)) };
}

/** Calls that were answered with a revision which a watcher was told of. */
function toldOf({ operations, observations }: History): readonly Operation[] {
    const told = new Set(observations.map(({ revision }) => revision));
    return operations.filter(({ answer }) => answer?.kind === 'revision' && told.has(answer.revision));
}

/** A call long after all others. */
const UNWRITTEN: Operation = { client: 'late', call: { kind: 'clear' }, startMs: 1e6, endMs: 1e6 + 1 };

const ofKeys: Mutations = [
    [
        'lost-write',
        'a key ends where it was before an acknowledged write',
        (history, choice) => {
            const ends = history.observations.filter(({ key, revision, value }) => {
                const isOver = (history.finalStates[key]?.revision ?? 0) > revision;
                return value !== undefined && isOver;
            });
            const end = pick(ends, choice);
            return end?.value === undefined
                ? undefined
                : {
                      ...history,
                      finalStates: { ...history.finalStates, [end.key]: { value: end.value, revision: end.revision } }
                  };
        }
    ],
    [
        'failed-write-stored',
        'an acknowledged write is said to have failed',
        (history, choice) => {
            const stored = pick(toldOf(history), choice);
            return stored === undefined ? undefined : replace(history, stored, failedLike(stored));
        }
    ],
    [
        'revision-given-twice',
        'a write is acknowledged with the revision of another',
        (history, choice) => {
            const to = pick(toldOf(history), choice);
            const from = history.operations.find(
                each => each !== to && each.answer?.kind === 'revision' && to !== undefined && keyOf(each) === keyOf(to)
            );
            return to === undefined || from?.answer === undefined
                ? undefined
                : { ...replace(history, to, { ...to, answer: from.answer }), observations: [], watchers: [] };
        }
    ],
    [
        'never-written',
        'a watcher is told of what nobody wrote',
        (history, choice) => {
            const told = pick(history.observations, choice);
            const last = {
                watcher: 'other',
                atMs: 1e6,
                key: told?.key ?? '',
                revision: 1e6,
                value: 'nobody wrote this'
            };
            return told === undefined ? undefined : { ...history, observations: [...history.observations, last] };
        }
    ],
    [
        'watch-missed-state',
        'a watcher is not told of a final state',
        (history, choice) => {
            const missed = pick(Object.values(history.finalStates), choice)?.revision;
            const observations = history.observations.filter(({ revision }) => revision !== missed);
            return missed === undefined ? undefined : { ...history, observations };
        }
    ],
    [
        'watch-order',
        'a watcher is told of two revisions in the wrong order',
        (history, choice) => {
            const { observations } = history;
            const index = observations.length < 2 ? 0 : 1 + (choice % (observations.length - 1));
            const [before, after] = [observations[index - 1], observations[index]];
            return before === undefined || after === undefined
                ? undefined
                : { ...history, observations: observations.with(index - 1, after).with(index, before) };
        }
    ]
];

const ofClearsAndViews: Mutations = [
    [
        'not-cleared',
        'a clear that succeeded leaves what is there',
        history => {
            const clear: Operation = { ...UNWRITTEN, call: { kind: 'clear' }, answer: { kind: 'done' } };
            const isEmpty = Object.keys(history.finalStates).length === 0;
            return isEmpty ? undefined : { ...history, operations: [...history.operations, clear] };
        }
    ],
    [
        'view-differs',
        'a view holds nothing where it has told of something',
        (history, choice) => {
            const reads = history.operations.filter(
                ({ answer }) => answer?.kind === 'viewed' && Object.keys(answer.states).length > 0
            );
            const read = pick(reads, choice);
            // So old that the store may well have held nothing then.
            const nothing = { kind: 'viewed', states: {}, lagMs: 1e6 } as const;
            return read === undefined ? undefined : replace(history, read, { ...read, answer: nothing });
        }
    ],
    [
        'own-write-not-in-view',
        'a view lacks what its process has written',
        (history, choice) => {
            const isRemoved = ({ client }: Operation) =>
                history.operations.some(each => ['clear', 'delete'].includes(each.call.kind) && each.client === client);
            const stored = pick(toldOf(history), choice);
            const { call, client, answer } = stored === undefined || isRemoved(stored) ? UNWRITTEN : stored;
            if (answer?.kind !== 'revision' || !('key' in call)) {
                return undefined;
            }
            const { key } = call;
            const view = `${client}/view`;
            const isMissing = (seen: History['observations'][number]) =>
                seen.watcher === view && seen.key === key && seen.revision >= answer.revision;
            const observations = history.observations.filter(seen => !isMissing(seen));
            const last = observations.findLast(seen => seen.watcher === view && seen.key === key);
            const { value, revision = 0 } = last ?? {};
            const read: Operation = {
                ...{ ...UNWRITTEN, client, call: { kind: 'view', view, keys: [key] } },
                answer: {
                    kind: 'viewed',
                    states: value === undefined ? {} : { [key]: { value, revision } },
                    lagMs: 1e7
                }
            };
            return {
                ...history,
                observations,
                watchers: history.watchers.map(each => (each.watcher === view ? { ...each, untilMs: 2e6 } : each)),
                operations: [...history.operations.filter(({ call: { kind } }) => kind !== 'view'), read]
            };
        }
    ]
];

const ofShards: Mutations = [
    [
        'token-lost',
        'a token that was given out, and nothing lets go, is not kept',
        (history, choice) => {
            const { s: all = [] } = history.finalTokens;
            const given = new Set(
                history.operations.flatMap(({ answer }) => (answer?.kind === 'watermarks' ? answer.watermarks : []))
            );
            const lost = pick(
                all.slice(1).filter(({ watermark }) => given.has(watermark)),
                choice
            );
            return lost === undefined || hasEndings(history)
                ? undefined
                : { ...history, finalTokens: { s: all.filter(each => each !== lost) } };
        }
    ],
    [
        'token-of-two-watermarks',
        'a token is kept a second time',
        (history, choice) => {
            const { s: all = [] } = history.finalTokens;
            const isLetGo = hasEndings(history) || history.operations.some(({ call }) => call.kind === 'acknowledge');
            const token = pick(
                all.filter(({ sync }) => !sync),
                choice
            )?.token;
            return token === undefined || isLetGo
                ? undefined
                : { ...history, finalTokens: { s: [...all, { watermark: 'z'.padEnd(37, 'z'), token, sync: false }] } };
        }
    ],
    [
        'abandon-ignored',
        'what was there is still there after an abandon',
        history => {
            const abandon: Operation = {
                ...UNWRITTEN,
                call: { kind: 'abandon', shard: 's' },
                answer: { kind: 'done' }
            };
            return keptAndGiven(history).length === 0
                ? undefined
                : { ...history, operations: [...history.operations, abandon] };
        }
    ],
    [
        'export-incomplete',
        'an export lacks a token that was given out',
        (history, choice) => {
            const missing = pick(keptAndGiven(history), choice);
            const pairs = (history.finalTokens['s'] ?? []).filter(each => each !== missing);
            const exported: Operation = {
                ...{ ...UNWRITTEN, call: { kind: 'export', shard: 's' } },
                answer: { kind: 'pairs', pairs }
            };
            return missing === undefined || hasEndings(history)
                ? undefined
                : { ...history, operations: [...history.operations, exported] };
        }
    ],
    [
        'unfinished-import-used',
        'a shard of which an import was cut off gives its head',
        history => {
            const cut: Operation = {
                ...{ client: 'late', startMs: 1e6 - 2, endMs: 1e6 - 1 },
                call: { kind: 'import', shard: 's', pairs: [], isCut: true },
                error: { code: WatermarkErrorCode.INVALID_EXPORT }
            };
            const { watermark, token } = history.finalTokens['s']?.at(-1) ?? {};
            const head = watermark === undefined || token === undefined ? null : { watermark, token };
            const asked: Operation = {
                ...UNWRITTEN,
                call: { kind: 'head', shard: 's' },
                answer: { kind: 'head', head }
            };
            return hasEndings(history) ? undefined : { ...history, operations: [...history.operations, cut, asked] };
        }
    ],
    [
        'watermark-of-two-tokens',
        'a token is given the watermark of another',
        (history, choice) => {
            const { s: all = [] } = history.finalTokens;
            const asked = history.operations.filter(
                ({ call, answer }) => call.kind === 'watermark' && answer !== undefined
            );
            const to = pick(asked, choice);
            const from = all.find(({ token }) => to?.call.kind === 'watermark' && token !== to.call.token);
            return to === undefined || from === undefined
                ? undefined
                : replace(history, to, { ...to, answer: { kind: 'watermarks', watermarks: [from.watermark] } });
        }
    ]
];

/** Whether something else than an acknowledgement may let tokens go. */
function hasEndings({ operations }: History): boolean {
    return operations.some(({ call: { kind } }) => ['abandon', 'clearShards', 'import'].includes(kind));
}

/** Tokens that a shard keeps, and that somebody was given before it all ended. */
function keptAndGiven({ operations, finalTokens }: History): readonly KeptToken[] {
    const given = new Set(operations.flatMap(({ answer }) => (answer?.kind === 'watermarks' ? answer.watermarks : [])));
    return (finalTokens['s'] ?? []).filter(({ watermark }) => given.has(watermark));
}

function keyOf({ call }: Operation): string | undefined {
    return 'key' in call ? call.key : undefined;
}

function failedLike({ answer: _, ...operation }: Operation): Operation {
    return { ...operation, error: { code: WatermarkErrorCode.UNAVAILABLE } };
}

/** What is told of a history without its views, so that what they tell does not contradict what was changed. */
function withoutViews(history: History): History {
    return {
        ...history,
        operations: history.operations.filter(({ call }) => call.kind !== 'view'),
        watchers: history.watchers.filter(({ isView }) => isView !== true),
        observations: history.observations.filter(({ watcher }) => watcher === 'w')
    };
}

function check(histories: fc.Arbitrary<History>, mutate: Mutation, kind: ViolationKind): void {
    fc.assert(
        fc.property(histories, fc.nat(), (history, choice) => {
            const mutated = mutate(history, choice);
            fc.pre(mutated !== undefined);
            // More than one key may be concerned.
            expect([...new Set(checkHistory(mutated).map(violation => violation.kind))]).toEqual([kind]);
        }),
        { numRuns: 30, maxSkipsPerRun: 100 }
    );
}

describe('a right history of keys that was made wrong at one place', () => {
    const histories = fc.array(callPlans(2), { minLength: 5, maxLength: 30 }).map(plans => simulateKeys(plans, 2));

    it.each(ofKeys)('%s: %s', (kind, _, mutate) => {
        check(histories.map(withoutViews), mutate, kind);
    });

    it.each(ofClearsAndViews)('%s: %s', (kind, _, mutate) => {
        check(histories, mutate, kind);
    });
});

describe('a right history of a shard that was made wrong at one place', () => {
    it.each(ofShards)('%s: %s', (kind, _, mutate) => {
        check(fc.array(shardCallPlans(6), { minLength: 3, maxLength: 30 }).map(simulateShard), mutate, kind);
    });
});
