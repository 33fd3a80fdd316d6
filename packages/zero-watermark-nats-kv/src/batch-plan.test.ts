import { expect, test } from 'vitest';

import { BatchPlan, type Way } from './batch-plan.js';

/** Plans groups of a size, where a batch and each token in it take so long; gives what was done, in order. */
function carryOut(plan: BatchPlan, groups: number, size: number, cost: Record<Way, (tokens: number) => number>) {
    const done: { way: Way; size: number; isTrial: boolean }[] = [];
    for (let group = 0; group < groups; group += 1) {
        for (let left = size; left > 0;) {
            const { way, size: wanted, trial } = plan.next(left);
            const tokens = Math.min(wanted, left);
            trial?.note(way, cost[way](tokens));
            done.push({ way, size: tokens, isTrial: trial !== undefined });
            left -= tokens;
        }
    }
    return done;
}

const syncedNowAndThen = {
    fast: (tokens: number) => 0.007 * tokens,
    careful: (tokens: number) => 1.8 + 0.009 * tokens
};
const syncedAlways = { fast: (tokens: number) => 0.13 * tokens, careful: (tokens: number) => 2.3 + 0.009 * tokens };

test.each([40, 64, 200, 500])('each way is tried five times, then the quicker is taken (%i at once)', size => {
    for (const [cost, quicker] of [
        [syncedNowAndThen, 'fast'],
        [syncedAlways, 'careful']
    ] as const) {
        const plan = new BatchPlan();
        const done = carryOut(plan, 20, size, cost);
        expect(done.filter(({ isTrial }) => isTrial).map(({ way }) => way)).toEqual(
            Array.from({ length: 5 }, () => ['fast', 'careful']).flat()
        );
        expect(carryOut(plan, 1, size, cost).every(({ way, isTrial }) => way === quicker && !isTrial)).toBe(true);
    }
});

test('after each way was tried comes a batch in earnest, the quicker way', () => {
    for (const [cost, quicker] of [
        [syncedNowAndThen, 'fast'],
        [syncedAlways, 'careful']
    ] as const) {
        const done = carryOut(new BatchPlan(), 2, 500, cost);
        expect(done.map(({ isTrial }) => isTrial)).toEqual([true, true, false, true, true, false]);
        expect(done.map(({ way }) => way)).toEqual(['fast', 'careful', quicker, 'fast', 'careful', quicker]);
        expect(done.map(({ size }) => size)).toEqual([128, 128, 244, 128, 128, 244]);
    }
});

test('what slows a machine down for a while does not decide', () => {
    let call = 0;
    const disturbed = { ...syncedNowAndThen, fast: (tokens: number) => 0.007 * tokens + ((call += 1) < 5 ? 50 : 0) };
    const plan = new BatchPlan();
    carryOut(plan, 20, 500, disturbed);
    expect(plan.next(500)).toEqual({ way: 'fast', size: 500, trial: undefined });
});

test('few tokens can be quicker in one way, and many in the other', () => {
    const plan = new BatchPlan();
    const cost = { fast: (tokens: number) => 0.05 * tokens, careful: () => 3 };
    carryOut(plan, 20, 40, cost);
    carryOut(plan, 20, 500, cost);
    expect([plan.next(40).way, plan.next(500).way]).toEqual(['fast', 'careful']);
});

test('a group that is too small to tell is stored the way that is known by now', () => {
    const plan = new BatchPlan();
    expect(plan.next(31)).toMatchObject({ way: 'fast', trial: undefined });
    carryOut(plan, 20, 40, syncedAlways);
    expect(plan.next(31)).toMatchObject({ way: 'careful', trial: undefined });
});
