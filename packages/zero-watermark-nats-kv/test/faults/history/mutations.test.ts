import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkHistory } from './check-history.js';
import type { History, Operation } from './history.js';
import { callPlans, simulateKeys } from './simulated-keys.js';
import { shardCallPlans, simulateShard } from './simulated-shards.js';
import type { ViolationKind } from './violation.js';

/** Makes a right history wrong at one place; `undefined`: there is no such place. */
type Mutation = (history: History, choice: number) => History | undefined;

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

const ofKeys: readonly (readonly [ViolationKind, string, Mutation])[] = [
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

const ofShards: readonly (readonly [ViolationKind, string, Mutation])[] = [
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
            return lost === undefined
                ? undefined
                : { ...history, finalTokens: { s: all.filter(each => each !== lost) } };
        }
    ],
    [
        'token-of-two-watermarks',
        'a token is kept a second time',
        (history, choice) => {
            const { s: all = [] } = history.finalTokens;
            const isAcknowledged = history.operations.some(({ call }) => call.kind === 'acknowledge');
            const token = pick(
                all.filter(({ sync }) => !sync),
                choice
            )?.token;
            return token === undefined || isAcknowledged
                ? undefined
                : { ...history, finalTokens: { s: [...all, { watermark: 'z'.padEnd(37, 'z'), token, sync: false }] } };
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

function keyOf({ call }: Operation): string | undefined {
    return 'key' in call ? call.key : undefined;
}

function failedLike({ answer: _, ...operation }: Operation): Operation {
    return { ...operation, error: { code: WatermarkErrorCode.UNAVAILABLE } };
}

function check(histories: fc.Arbitrary<History>, mutate: Mutation, kind: ViolationKind): void {
    fc.assert(
        fc.property(histories, fc.nat(), (history, choice) => {
            const mutated = mutate(history, choice);
            fc.pre(mutated !== undefined);
            expect(checkHistory(mutated).map(violation => violation.kind)).toEqual([kind]);
        }),
        { numRuns: 30, maxSkipsPerRun: 100 }
    );
}

describe('a right history of keys that was made wrong at one place', () => {
    it.each(ofKeys)('%s: %s', (kind, _, mutate) => {
        check(
            fc.array(callPlans(2), { minLength: 5, maxLength: 30 }).map(plans => simulateKeys(plans, 2)),
            mutate,
            kind
        );
    });
});

describe('a right history of a shard that was made wrong at one place', () => {
    it.each(ofShards)('%s: %s', (kind, _, mutate) => {
        check(fc.array(shardCallPlans(6), { minLength: 3, maxLength: 30 }).map(simulateShard), mutate, kind);
    });
});
