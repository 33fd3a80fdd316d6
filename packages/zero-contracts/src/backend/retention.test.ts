import { expect, test } from 'vitest';

import { Retention } from './retention.js';

test('nothing goes before something was acknowledged', () => {
    expect(new Retention({ retainTokens: 0, retainMs: 0 }).floor(0)).toBeUndefined();
});

test('the acknowledged one and retainTokens below it stay', () => {
    const retention = new Retention({ retainTokens: 10, retainMs: 0 });
    retention.note(1_000, 0);
    expect(retention.floor(0)).toBe(990);
});

test('what was acknowledged less than retainMs ago stays', () => {
    const retention = new Retention({ retainTokens: 0, retainMs: 1_000 });
    retention.note(100, 0);
    retention.note(200, 600);
    expect(retention.floor(999)).toBeUndefined();
    expect(retention.floor(1_000)).toBe(100);
    expect(retention.floor(1_599)).toBe(100);
    expect(retention.floor(1_600)).toBe(200);
});

test('a lower acknowledgement, or the same again, changes nothing', () => {
    const retention = new Retention({ retainTokens: 0, retainMs: 100 });
    retention.note(200, 0);
    retention.note(100, 50);
    retention.note(200, 99);
    expect(retention.floor(100)).toBe(200);
});

test('never lets go earlier than promised, and later by no more than a hundredth', () => {
    const retainMs = 10_000;
    const retention = new Retention({ retainTokens: 0, retainMs });
    for (let now = 0; now <= 40_000; now += 7) {
        retention.note(now + 1, now);
        const floor = retention.floor(now);
        if (floor !== undefined) {
            const acknowledgedAt = floor - 1;
            expect(now - acknowledgedAt).toBeGreaterThanOrEqual(retainMs);
            expect(now - acknowledgedAt).toBeLessThanOrEqual(retainMs * 1.01 + 14);
        }
    }
});

test('fewer sequences than retainTokens: nothing goes', () => {
    const retention = new Retention({ retainTokens: 10, retainMs: 0 });
    retention.note(10, 0);
    expect(retention.floor(0)).toBeUndefined();
});
