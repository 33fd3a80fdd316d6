import { expect, test } from 'vitest';

import type { History } from '../history/history.js';
import { commonStalls, withoutStalls } from './stalls.js';

const HISTORY: History = {
    timeoutMs: 15_000,
    operations: [
        {
            client: 'a',
            call: { kind: 'get', key: 'k' },
            startMs: 100,
            endMs: 5_200,
            answer: { kind: 'state', state: null }
        },
        { client: 'a', call: { kind: 'delete', key: 'k' }, startMs: 5_300 }
    ],
    watchers: [{ watcher: 'w', fromMs: 50, untilMs: 3_000 }],
    observations: [{ watcher: 'w', atMs: 5_400, key: 'k', revision: 1 }],
    finalStates: {},
    finalTokens: {}
};

test('the machine stood still when two did, and only once however many say so', () => {
    const one = [
        { fromMs: 0, toMs: 10 },
        { fromMs: 20, toMs: 30 }
    ];
    expect(commonStalls(one, [{ fromMs: 5, toMs: 25 }])).toEqual([
        { fromMs: 5, toMs: 10 },
        { fromMs: 20, toMs: 25 }
    ]);
    const others = [
        { fromMs: 3, toMs: 9 },
        { fromMs: 2, toMs: 8 }
    ];
    expect(commonStalls(one, others)).toEqual([{ fromMs: 2, toMs: 9 }]);
    expect(commonStalls(one, [{ fromMs: 10, toMs: 20 }])).toEqual([]);
});

test('time in which the machine stood still is taken out, and the order stays', () => {
    const { operations, watchers, observations } = withoutStalls(HISTORY, [
        { fromMs: 200, toMs: 2_200 },
        { fromMs: 2_500, toMs: 5_000 }
    ]);
    expect(operations.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
        [100, 700],
        [800, undefined]
    ]);
    expect(watchers).toEqual([{ watcher: 'w', fromMs: 50, untilMs: 500 }]);
    expect(observations[0]?.atMs).toBe(900);
});

test('without stalls nothing changes', () => {
    expect(withoutStalls(HISTORY, [])).toBe(HISTORY);
});
