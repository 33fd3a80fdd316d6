import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { describe, expect, it } from 'vitest';

import { checkHistory, describeViolation } from './check-history.js';
import { MAX_STALENESS_MS } from './outcome.js';
import type { History } from './history.js';
import { done, failed, open } from './recorded.js';
import {
    acknowledge,
    beginSync,
    gives,
    head,
    headIs,
    kept,
    resets,
    resume,
    resumes,
    shard,
    token,
    tokenOf,
    watermark,
    watermarks
} from './recorded-shards.js';

const { UNAVAILABLE, OUTCOME_UNKNOWN } = WatermarkErrorCode;
const long = MAX_STALENESS_MS + 100;
const given = done(0, 10, watermark('t1'), gives(1));

describe('right histories of a shard', () => {
    it.each<[string, History]>([
        [
            'tokens one after the other, asked for again and looked up',
            kept(
                [
                    given,
                    done(20, 30, watermark('t2'), gives(2), 'b'),
                    done(40, 50, watermark('t1'), gives(1), 'b'),
                    done(60, 70, tokenOf(1), token('t1')),
                    done(80, 90, resume(2), resumes('t2')),
                    done(95, 99, head, headIs(2, 't2'))
                ],
                { 1: 't1', 2: 't2' }
            )
        ],
        [
            'a token that a call names twice',
            kept([done(0, 10, watermarks('t1', 't2', 't1'), gives(1, 2, 1))], { 1: 't1', 2: 't2' })
        ],
        [
            'calls in doubt: one is stored, one is not',
            kept(
                [
                    failed(0, 10, watermark('t1'), OUTCOME_UNKNOWN),
                    open(11, watermark('t2')),
                    done(20, 30, watermark('t3'), gives(1), 'b')
                ],
                {
                    1: 't3',
                    2: 't1'
                }
            )
        ],
        [
            'of several tokens some are stored before the call fails',
            kept([failed(0, 10, watermarks('t1', 't2'), UNAVAILABLE)], { 1: 't1' })
        ],
        [
            'two clients ask for the same tokens in another order at once',
            kept(
                [
                    done(0, 20, watermark('t1'), gives(1)),
                    done(1, 21, watermark('t2'), gives(2)),
                    done(0, 22, watermark('t2'), gives(2), 'b'),
                    done(2, 23, watermark('t1'), gives(1), 'b')
                ],
                { 1: 't1', 2: 't2' }
            )
        ],
        [
            'syncs have watermarks of their own, also one that is in doubt',
            kept(
                [
                    given,
                    done(20, 30, beginSync('t1'), gives(2)),
                    failed(40, 50, beginSync('t1'), OUTCOME_UNKNOWN),
                    done(60, 70, head, headIs(3, 't1'))
                ],
                { 1: 't1', 2: 't1*', 3: 't1*' }
            )
        ],
        [
            'what was acknowledged lets go of what is older, which then gets a new watermark',
            kept(
                [
                    given,
                    done(20, 30, watermark('t2'), gives(2)),
                    done(40, 50, acknowledge(2)),
                    done(60, 70, resume(1), resets('pruned')),
                    done(80, 90, tokenOf(1), token(null)),
                    done(100, 110, watermark('t1'), gives(3))
                ],
                { 2: 't2', 3: 't1' }
            )
        ],
        [
            'answers that a leader gives that was deposed a moment ago',
            kept(
                [
                    given,
                    done(20, 30, watermark('t2'), gives(2)),
                    done(40, 50, head, headIs(1, 't1')),
                    done(60, 70, tokenOf(2), token(null))
                ],
                { 1: 't1', 2: 't2' }
            )
        ],
        [
            'a watermark that the shard never gave',
            kept([given, done(20, 30, resume(7), resets('unknown')), done(40, 50, acknowledge(7))], { 1: 't1' })
        ],
        [
            'a call that fails, and one that begins when it has failed',
            kept([failed(0, 2_000, watermark('t1'), UNAVAILABLE), done(1_999, 3_000, watermark('t2'), gives(1))], {
                1: 't2'
            })
        ]
    ])('%s', (_, history) => {
        expect(checkHistory(history).map(describeViolation)).toEqual([]);
    });
});

describe('wrong histories of a shard', () => {
    it.each<[string, string, History]>([
        [
            'watermark-of-two-tokens',
            'one watermark for two tokens',
            kept([given, done(20, 30, watermark('t2'), gives(1))], { 1: 't1' })
        ],
        [
            'watermark-of-two-tokens',
            'a lookup names another token',
            kept([given, done(11, 12, watermark('t2'), gives(2)), done(20, 30, tokenOf(1), token('t2'))], {
                1: 't1',
                2: 't2'
            })
        ],
        [
            'watermark-of-two-tokens',
            'the shard has kept another token',
            kept([given, open(5, watermark('t2'))], { 1: 't2' })
        ],
        [
            'token-of-two-watermarks',
            'two instances give one token two watermarks',
            kept([given, done(0, 10, watermark('t1'), gives(2), 'b')], { 1: 't1', 2: 't1' })
        ],
        ['token-of-two-watermarks', 'a retry was stored a second time', kept([given], { 1: 't1', 2: 't1' })],
        [
            'sync-watermark-reused',
            'two syncs begin at one watermark',
            kept([done(0, 10, beginSync('t1'), gives(1)), done(20, 30, beginSync('t1'), gives(1))], { 1: 't1*' })
        ],
        [
            'sync-watermark-reused',
            'a sync gets the watermark that the token has',
            kept([given, done(20, 30, beginSync('t1'), gives(1))], { 1: 't1' })
        ],
        [
            'watermark-order',
            'a later token has a smaller watermark',
            kept([done(0, 10, watermark('t2'), gives(2)), done(20, 30, watermark('t1'), gives(1), 'b')], {
                1: 't1',
                2: 't2'
            })
        ],
        [
            'watermark-order',
            'overlapping calls of a client are stored in another order',
            kept([done(0, 10, watermark('t1'), gives(2)), done(1, 11, watermark('t2'), gives(1))], { 1: 't2', 2: 't1' })
        ],
        [
            'watermark-order',
            'tokens of one call are stored in another order',
            kept([done(0, 10, watermarks('t1', 't2'), gives(2, 1))], { 1: 't2', 2: 't1' })
        ],
        [
            'watermark-order',
            'a sync begins below what was there',
            kept([done(0, 10, watermark('t1'), gives(2)), done(20, 30, beginSync('t1'), gives(1))], {
                1: 't1*',
                2: 't1'
            })
        ],
        [
            'stored-behind-failure',
            'a token is stored behind one that failed meanwhile',
            kept([failed(0, 2_000, watermark('t1'), UNAVAILABLE), done(10, 3_000, watermark('t2'), gives(1))], {
                1: 't2'
            })
        ],
        [
            'failed-write-stored',
            'a token was stored by a call that failed',
            kept([failed(0, 10, watermark('t1'), UNAVAILABLE)], { 1: 't1' })
        ],
        ['never-written', 'a token is there that nobody asked for', kept([given], { 1: 't1', 2: 't2' })],
        [
            'seen-before-written',
            'a token is there before somebody asks for it',
            kept([done(0, 5, head, headIs(1, 't1')), done(10, 20, watermark('t1'), gives(1))], { 1: 't1' })
        ],
        ['token-lost', 'a token is not there at the end', kept([given], {})],
        [
            'token-lost',
            'pruning has left a hole',
            kept(
                [
                    given,
                    done(11, 12, watermark('t2'), gives(2)),
                    done(13, 14, watermark('t3'), gives(3)),
                    done(15, 16, acknowledge(3))
                ],
                { 1: 't1', 3: 't3' }
            )
        ],
        ['token-lost', 'what was acknowledged is gone itself', kept([given, done(20, 30, acknowledge(1))], {})],
        [
            'token-lost',
            'a lookup knows nothing of what was given long ago',
            kept([given, done(long, long + 10, tokenOf(1), token(null))], { 1: 't1' })
        ],
        [
            'stale-read',
            'the head is one of long ago',
            kept([given, done(20, 30, watermark('t2'), gives(2)), done(long, long + 10, head, headIs(1, 't1'))], {
                1: 't1',
                2: 't2'
            })
        ],
        [
            'wrong-reset',
            'a watermark is said to be unknown',
            kept([given, done(20, 30, resume(1), resets('unknown'))], { 1: 't1' })
        ],
        [
            'wrong-reset',
            'a watermark is said to be pruned, and nothing was acknowledged',
            kept([given, done(20, 30, resume(1), resets('pruned'))], { 1: 't1' })
        ],
        [
            'history-lost',
            'a watermark is said to be ahead of the head',
            kept([given, done(20, 30, resume(1), resets('ahead-of-head'))], { 1: 't1' })
        ],
        [
            'wrong-answer',
            'resume takes a watermark for none',
            kept([given, done(20, 30, resume(1), { kind: 'resume', point: 'initial-sync' })], { 1: 't1' })
        ]
    ])('%s: %s', (kind, _, history) => {
        expect(checkHistory(history).map(violation => violation.kind)).toEqual([kind]);
    });

    it('shrink to the calls that contradict each other', () => {
        const others = Array.from({ length: 200 }, (_, index) =>
            done(10 * index, 10 * index + 5, watermark(`n${index}`), gives(index + 10))
        );
        const tokens = Object.fromEntries(others.map((_, index) => [index + 10, `n${index}`]));
        const history = kept([...others, done(5_000, 5_010, watermark('t'), gives(1))], { ...tokens, 1: 't' });
        const [violation] = checkHistory(history);
        expect(violation?.kind).toBe('watermark-order');
        expect(violation?.smallest.operations).toHaveLength(2);
        expect(violation?.smallest.finalTokens).toEqual({ [shard]: [] });
    });
});
