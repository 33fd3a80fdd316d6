import { expect, test } from 'vitest';

import { RecentTokens } from './recent-tokens.js';

test('remembers the last 10,000 tokens, and not all there ever were', () => {
    const recent = new RecentTokens();
    for (let token = 0; token < 100_000; token += 1) {
        recent.set(`t${token}`, `w${token}`);
        expect(recent.get(`t${Math.max(0, token - 9_999)}`)).toBe(`w${Math.max(0, token - 9_999)}`);
    }
    expect(recent.get('t0')).toBeUndefined();
    expect(recent.get('t79999')).toBeUndefined();
});

test('forgets everything when it is told to', () => {
    const recent = new RecentTokens();
    for (let token = 0; token < 15_000; token += 1) {
        recent.set(`t${token}`, 'w');
    }
    recent.clear();
    expect(recent.get('t1')).toBeUndefined();
    expect(recent.get('t14999')).toBeUndefined();
});
