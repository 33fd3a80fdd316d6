import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkHistory, describeViolation, strictReads } from './check-history.js';
import type { History } from './history.js';
import { callPlans, simulateKeys } from './simulated-keys.js';

describe('histories of a store that keeps its promises', () => {
    it('pass, and all reads are fresh', () => {
        const histories = fc.array(callPlans(2), { maxLength: 60 }).map(plans => simulateKeys(plans, 2));
        fc.assert(
            fc.property(histories, history => {
                expect(checkHistory(history).map(describeViolation)).toEqual([]);
                expect(strictReads(history).stale).toBe(0);
            }),
            { numRuns: 500 }
        );
    });

    it('pass with reads that are stale for as long as is documented', () => {
        const plans = fc.array(callPlans(2, [0, 20, 5_000]), { maxLength: 60 });
        fc.assert(
            fc.property(plans, each => expect(checkHistory(simulateKeys(each, 2)).map(describeViolation)).toEqual([])),
            { numRuns: 300 }
        );
    });

    it('are checked fast', () => {
        const [plans = []] = fc.sample(
            fc.array(callPlans(200), { minLength: 50_000, maxLength: 50_000, size: 'max' }),
            { seed: 5, numRuns: 1 }
        );
        const history: History = simulateKeys(plans, 200);
        const startedAt = performance.now();
        expect(checkHistory(history).map(describeViolation)).toEqual([]);
        const tookMs = performance.now() - startedAt;
        console.log(history.operations.length, tookMs);
        expect(tookMs).toBeLessThan(10_000);
    });
});
