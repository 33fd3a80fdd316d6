import { expect, test } from 'vitest';

import { Random } from './random.mjs';

test('the same seed gives the same, another seed something else', () => {
    const taken = (seed: number) => {
        const random = new Random(seed);
        return Array.from({ length: 20 }, () => random.whole(0, 1_000));
    };
    expect(taken(1)).toEqual(taken(1));
    expect(taken(1)).not.toEqual(taken(2));
});

test('weights say how often something is chosen, and 0 that it never is', () => {
    const random = new Random(1);
    const counts = { often: 0, seldom: 0, never: 0 };
    for (let count = 0; count < 10_000; count += 1) {
        counts[random.weighted({ often: 9, seldom: 1, never: 0 })] += 1;
    }
    expect(counts.never).toBe(0);
    expect(counts.seldom).toBeGreaterThan(800);
    expect(counts.seldom).toBeLessThan(1_200);
});

test('a shuffled list has the same members, in another order', () => {
    const list = Array.from({ length: 50 }, (_, index) => index);
    const shuffled = new Random(1).shuffled(list);
    expect(shuffled).not.toEqual(list);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(list);
});
