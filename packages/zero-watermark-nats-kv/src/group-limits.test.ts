import { expect, test } from 'vitest';

import { groupLimits } from './group-limits.js';

test.each([
    { name: 'nothing was answered yet', roundTripMs: Infinity, tokens: 500, isFar: false },
    { name: 'the same machine', roundTripMs: 0.2, tokens: 500, isFar: false },
    { name: 'another zone of a region', roundTripMs: 2, tokens: 500, isFar: false },
    { name: 'another region', roundTripMs: 25, tokens: 3_500, isFar: true },
    { name: 'another continent', roundTripMs: 75, tokens: 5_000, isFar: true }
])('how many tokens a fast batch takes: $name', ({ roundTripMs, tokens, isFar }) => {
    expect(groupLimits(roundTripMs, true)).toEqual({ tokens, calls: isFar ? 10_000 : 500, isFar });
});

test('atomic batches are sent ahead of each other wherever the servers are', () => {
    expect(groupLimits(0.2, false)).toEqual({ tokens: 10_000, calls: 500, isFar: false });
    expect(groupLimits(75, false)).toEqual({ tokens: 10_000, calls: 10_000, isFar: true });
});
