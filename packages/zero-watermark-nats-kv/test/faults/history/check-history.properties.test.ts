import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkHistory, describeViolation, strictReads } from './check-history.js';
import type { History } from './history.js';
import { type CallPlan, callPlans, simulateKeys } from './simulated-keys.js';
import { shardCallPlans, simulateShard } from './simulated-shards.js';

function problemsIn(history: History): readonly string[] {
    return checkHistory(history).map(describeViolation);
}

describe('histories of a store that keeps its promises', () => {
    it('pass, and all reads are fresh', () => {
        const histories = fc.array(callPlans(2), { maxLength: 60 }).map(plans => simulateKeys(plans, 2));
        fc.assert(
            fc.property(histories, history => {
                expect(problemsIn(history)).toEqual([]);
                expect(strictReads(history).stale).toBe(0);
            }),
            { numRuns: 300 }
        );
    });

    it('pass with reads that are stale for as long as is documented', () => {
        const plans = fc.array(callPlans(2, [0, 20, 5_000]), { maxLength: 60 });
        fc.assert(
            fc.property(plans, each => {
                expect(problemsIn(simulateKeys(each, 2))).toEqual([]);
            }),
            { numRuns: 200 }
        );
    });

    it('pass with resume tokens', () => {
        const plans = fc.array(shardCallPlans(12), { maxLength: 60 });
        fc.assert(
            fc.property(plans, each => {
                expect(problemsIn(simulateShard(each))).toEqual([]);
            }),
            { numRuns: 300 }
        );
    });
});

describe('50,000 calls', () => {
    it('are checked within seconds', () => {
        // Each of them concerns all keys; an application removes all of them now and then.
        const isRare = ({ kind }: CallPlan, index: number) => kind !== 'clear' || index % 200 === 0;
        const plans = sampleOf(callPlans(200), 45_000).filter(isRare);
        const shardPlans = sampleOf(shardCallPlans(4_000), 10_000);
        const [keys, shard] = [simulateKeys(plans, 200), simulateShard(shardPlans)];
        const history = {
            ...keys,
            operations: [...keys.operations, ...shard.operations],
            finalTokens: shard.finalTokens
        };
        expect(history.operations.length).toBeGreaterThanOrEqual(50_000);
        const startedAt = performance.now();
        expect(problemsIn(history)).toEqual([]);
        expect(performance.now() - startedAt).toBeLessThan(20_000);
    });
});

/** So many values: a few thousand different ones, again and again. */
function sampleOf<T>(values: fc.Arbitrary<T>, length: number): readonly T[] {
    const different = fc.sample(fc.noBias(values), { seed: 5, numRuns: 5_000 });
    return Array.from({ length: Math.ceil(length / different.length) }, () => different).flat();
}
