import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { History, Operation } from './history.js';
import { tellStory } from './key-story.js';
import { hasOrder } from './permutations.js';
import { orderRevisions } from './revisions.js';
import { search } from './search.js';
import { callPlans, simulateKeys } from './simulated-keys.js';
import { expectsWhatWasSeen, smallHistories } from './small-histories.js';
import { splitByKey } from './split.js';

function fits(key: string, history: History): boolean {
    const story = tellStory(key, history);
    const { revisions, findings } = orderRevisions(story);
    const isWrongNotAdvanced = history.operations.some(
        ({ call, answer }) =>
            call.kind === 'advance' && answer?.kind === 'notAdvanced' && call.value > answer.current.value
    );
    return findings.length > 0 || isWrongNotAdvanced
        ? false
        : search({ ...story, revisions, finalRevision: story.final?.revision ?? null }) === 'fits';
}

/** Calls that are told apart elsewhere, into what they say of each key. */
const UNTRIED: readonly string[] = ['getMany', 'getAll', 'exportKeys', 'view'];

/** A call that ended like another of its kind. */
function endedLike(
    { answer: _answer, error: _error, ...operation }: Operation,
    { call, answer, error }: Operation
): Operation {
    const isSame = call.kind === operation.call.kind && operation.endMs !== undefined;
    const ending = isSame ? { answer, error } : { answer: _answer, error: _error };
    return {
        ...operation,
        ...(ending.answer === undefined ? {} : { answer: ending.answer }),
        ...(ending.error === undefined ? {} : { error: ending.error })
    };
}

describe('the search for an order', () => {
    it('comes to the same result as trying all orders, for anything', () => {
        let right = 0;
        fc.assert(
            fc.property(smallHistories, history => {
                const isRight = hasOrder('k', history);
                right += isRight ? 1 : 0;
                expect(fits('k', history)).toBe(isRight);
            }),
            { numRuns: 3_000 }
        );
        expect(right).toBeGreaterThan(100);
    });

    it('comes to the same result as trying all orders, for right histories in which one call was changed', () => {
        const plans = fc.array(callPlans(1), { minLength: 2, maxLength: 6 });
        fc.assert(
            fc.property(plans, fc.nat(), fc.nat(), (each, first, second) => {
                // An import is a set() or a create(), as far as it is told; its writes must not be there without it.
                const tried = each.filter(({ kind }) => kind !== 'importKeys');
                const history = simulateKeys(tried, 1);
                const operations = history.operations.filter(({ call }) => !UNTRIED.includes(call.kind));
                fc.pre(operations.length > 0);
                const [from, to] = [operations[first % operations.length], operations[second % operations.length]];
                const changed = operations.map(operation =>
                    operation === to && from !== undefined ? endedLike(operation, from) : operation
                );
                const sensible = changed.filter(operation => expectsWhatWasSeen(operation, changed));
                const mutated: History = { ...history, operations: sensible, observations: [], watchers: [] };
                expect(fits('k0', mutated)).toBe(hasOrder('k0', mutated));
            }),
            { numRuns: 500 }
        );
    });

    it('decides hundreds of calls of one key, tens of which have no end', () => {
        const [plans = []] = fc.sample(fc.array(callPlans(1), { minLength: 400, maxLength: 400 }), {
            seed: 3,
            numRuns: 1
        });
        const history = splitByKey(simulateKeys(plans, 1)).get('k0');
        expect(history === undefined ? undefined : fits('k0', history)).toBe(true);
    });
});
