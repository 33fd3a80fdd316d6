import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { describe, expect, it } from 'vitest';

import { checkHistory, describeViolation } from './check-history.js';
import type { Call, History } from './history.js';
import { MAX_STALENESS_MS } from './outcome.js';
import { done, failed, open } from './recorded.js';
import {
    abandon,
    clearShards,
    exporting,
    exports,
    gives,
    head,
    headIs,
    importing,
    kept,
    pairsOf,
    provision,
    resets,
    resume,
    resumes,
    shard,
    token,
    tokenOf,
    watermark
} from './recorded-shards.js';

const { UNAVAILABLE, OUTCOME_UNKNOWN, HISTORY_LOST, IMPORT_CONFLICT, IMPORT_UNFINISHED, INVALID_EXPORT } =
    WatermarkErrorCode;

const long = MAX_STALENESS_MS + 100;
const given = done(0, 10, watermark('t1'), gives(1));
const nothing = { kind: 'head', head: null } as const;
const two = { 1: 'i1', 2: 'i2*' };
const cut: Call = { kind: 'import', shard, pairs: pairsOf(two), isCut: true };

describe('right histories of shards that are abandoned, exported and imported', () => {
    it.each<[string, History]>([
        [
            'provisioned again and again, which changes nothing',
            kept([done(0, 1, provision), given, done(20, 30, provision), done(40, 50, resume(1), resumes('t1'))], {
                1: 't1'
            })
        ],
        [
            'abandoned, after which old watermarks reset and new ones are above them',
            kept(
                [
                    given,
                    done(20, 30, abandon, undefined, 'b'),
                    done(40, 50, resume(1), resets('pruned')),
                    done(51, 52, tokenOf(1), token(null)),
                    done(53, 54, head, nothing),
                    done(60, 70, watermark('t1'), gives(9))
                ],
                { 9: 't1' }
            )
        ],
        [
            'abandoned by another: this one remembers until it is asked to resume',
            kept([given, done(20, 30, abandon, undefined, 'b'), done(long, long + 10, watermark('t1'), gives(1))], {})
        ],
        [
            'cleared with all others while tokens are stored, which may go or stay',
            kept(
                [
                    given,
                    done(20, 40, watermark('t2'), gives(2)),
                    done(25, 35, clearShards, undefined, 'b'),
                    open(50, clearShards)
                ],
                { 2: 't2' }
            )
        ],
        [
            'an abandon in doubt that has its effect later',
            kept(
                [
                    given,
                    failed(20, 30, abandon, OUTCOME_UNKNOWN),
                    done(40, 50, resume(1), resumes('t1')),
                    done(60, 70, watermark('t2'), gives(2)),
                    done(80, 90, resume(1), resets('pruned'))
                ],
                {}
            )
        ],
        [
            'exported while tokens are stored, and while it is abandoned',
            kept(
                [
                    given,
                    done(20, 30, exporting, exports({ 1: 't1' })),
                    done(22, 24, watermark('t2'), gives(2), 'b'),
                    done(40, 50, exporting, exports({ 1: 't1', 2: 't2' })),
                    done(60, 70, abandon, undefined, 'b'),
                    failed(61, 69, exporting, HISTORY_LOST),
                    done(80, 90, exporting, exports({}))
                ],
                {}
            )
        ],
        [
            'imported, read back, and gone on with',
            kept(
                [
                    done(0, 10, importing(two)),
                    done(20, 30, resume(2), resumes('i2')),
                    done(40, 50, watermark('i1'), gives(1)),
                    done(60, 70, watermark('t1'), gives(9)),
                    done(80, 90, exporting, exports({ ...two, 9: 't1' }))
                ],
                { ...two, 9: 't1' }
            )
        ],
        [
            'an import that was interrupted, refused until it is run again',
            kept(
                [
                    open(0, importing(two)),
                    failed(20, 30, head, IMPORT_UNFINISHED),
                    failed(40, 50, watermark('t1'), IMPORT_UNFINISHED),
                    done(60, 70, importing(two)),
                    done(80, 90, head, headIs(2, 'i2'))
                ],
                two
            )
        ],
        [
            'an import that was cut off, refused until it is abandoned',
            kept(
                [
                    failed(0, 10, cut, INVALID_EXPORT),
                    done(11, 12, provision),
                    failed(20, 30, head, IMPORT_UNFINISHED),
                    done(40, 50, abandon),
                    done(60, 70, watermark('t1'), gives(9))
                ],
                { 9: 't1' }
            )
        ],
        [
            'an import into a shard that has given out watermarks of its own',
            kept([given, failed(20, 30, importing({ 5: 'i5' }), IMPORT_CONFLICT)], { 1: 't1' })
        ],
        [
            'imported, abandoned, and imported again',
            kept(
                [
                    done(0, 10, importing(two)),
                    done(20, 30, abandon),
                    done(40, 50, resume(1), resets('pruned')),
                    done(60, 70, importing(two)),
                    done(80, 90, resume(1), resumes('i1'))
                ],
                two
            )
        ]
    ])('%s', (_, history) => {
        expect(checkHistory(history).map(describeViolation)).toEqual([]);
    });
});

describe('wrong histories of shards that are abandoned, exported and imported', () => {
    it.each<[string, string, History]>([
        ['token-lost', 'provisioning has emptied the shard', kept([given, done(20, 30, provision)], {})],
        [
            'wrong-reset',
            'provisioning makes old watermarks unknown',
            kept([given, done(20, 30, provision), done(40, 50, resume(1), resets('pruned'))], { 1: 't1' })
        ],
        [
            'abandon-ignored',
            'what was abandoned is there at the end',
            kept([given, done(20, 30, abandon)], { 1: 't1' })
        ],
        [
            'abandon-ignored',
            'clearing all shards has left one out',
            kept([given, done(20, 30, clearShards)], { 1: 't1' })
        ],
        [
            'abandon-ignored',
            'what was abandoned long ago resumes',
            kept([given, done(20, 30, abandon), done(long, long + 10, resume(1), resumes('t1'))], {})
        ],
        [
            'abandon-ignored',
            'what was abandoned long ago is the head',
            kept([given, done(20, 30, abandon), done(long, long + 10, head, headIs(1, 't1'))], {})
        ],
        [
            'abandon-ignored',
            'what was abandoned long ago is exported',
            kept([given, done(20, 30, abandon), done(long, long + 10, exporting, exports({ 1: 't1' }))], {})
        ],
        [
            'abandon-ignored',
            'a token is given the number again that it had',
            kept([given, done(20, 30, abandon), done(40, 50, watermark('t1'), gives(1), 'b')], { 1: 't1' })
        ],
        [
            'abandon-ignored',
            'who has abandoned it still remembers',
            kept([given, done(20, 30, abandon), done(40, 50, watermark('t1'), gives(1))], {})
        ],
        [
            'abandon-ignored',
            'who has given something new still remembers',
            kept(
                [
                    given,
                    done(20, 30, abandon, undefined, 'b'),
                    done(40, 50, watermark('t2'), gives(9)),
                    done(60, 70, watermark('t1'), gives(1))
                ],
                { 9: 't2' }
            )
        ],
        [
            'watermark-of-two-tokens',
            'a number is given out a second time',
            kept([given, done(20, 30, abandon), done(40, 50, watermark('t2'), gives(1))], { 1: 't2' })
        ],
        [
            'watermark-order',
            'numbers begin anew',
            kept(
                [
                    done(0, 10, watermark('t1'), gives(5)),
                    done(20, 30, abandon),
                    done(40, 50, watermark('t2'), gives(2))
                ],
                { 2: 't2' }
            )
        ],
        [
            'token-lost',
            'an abandon removes what was stored after it',
            kept([done(0, 10, abandon), done(20, 30, watermark('t1'), gives(1))], {})
        ],
        [
            'token-lost',
            'an abandon that failed plainly has removed something',
            kept([given, failed(20, 30, abandon, UNAVAILABLE)], {})
        ],
        [
            'token-of-two-watermarks',
            'a token has a second watermark from before an abandon that had ended',
            kept(
                [
                    done(0, 5, abandon),
                    done(6, 10, watermark('t1'), gives(1)),
                    done(20, 30, watermark('t1'), gives(2), 'b')
                ],
                {
                    1: 't1',
                    2: 't1'
                }
            )
        ],
        [
            'export-incomplete',
            'an export has a hole',
            kept(
                [
                    given,
                    done(11, 12, watermark('t2'), gives(2)),
                    done(13, 14, watermark('t3'), gives(3)),
                    done(20, 30, exporting, exports({ 1: 't1', 3: 't3' }))
                ],
                { 1: 't1', 2: 't2', 3: 't3' }
            )
        ],
        [
            'export-incomplete',
            'an export lacks what was given long before',
            kept([given, done(long, long + 10, exporting, exports({}))], { 1: 't1' })
        ],
        [
            'watermark-order',
            'an export is in another order',
            kept(
                [
                    given,
                    done(11, 12, watermark('t2'), gives(2)),
                    done(20, 30, exporting, { kind: 'pairs', pairs: pairsOf({ 1: 't1', 2: 't2' }).toReversed() })
                ],
                { 1: 't1', 2: 't2' }
            )
        ],
        [
            'watermark-of-two-tokens',
            'an export has another token',
            kept([given, open(11, watermark('t2')), done(20, 30, exporting, exports({ 1: 't2' }))], { 1: 't1' })
        ],
        ['token-lost', 'what was imported is not there', kept([done(0, 10, importing(two))], { 2: 'i2*' })],
        [
            'wrong-reset',
            'what was imported does not resume',
            kept([done(0, 10, importing(two)), done(20, 30, resume(1), resets('unknown'))], two)
        ],
        [
            'token-of-two-watermarks',
            'an imported token gets another watermark',
            kept([done(0, 10, importing(two)), done(20, 30, watermark('i1'), gives(9))], { ...two, 9: 'i1' })
        ],
        [
            'watermark-order',
            'a new watermark is not above the imported ones',
            kept([done(0, 10, importing({ 1: 'i1', 5: 'i5' })), done(20, 30, watermark('t1'), gives(3))], {
                ...{ 1: 'i1', 3: 't1', 5: 'i5' }
            })
        ],
        [
            'token-lost',
            'half of an import in doubt is there',
            kept([open(0, importing(two)), done(20, 30, resume(2), resumes('i2'))], { 2: 'i2*' })
        ],
        [
            'unfinished-import-used',
            'a shard answers of which an import was cut off',
            kept([failed(0, 10, cut, INVALID_EXPORT), done(20, 30, head, headIs(1, 'i1'))], two)
        ],
        [
            'unfinished-import-used',
            'a shard gives out watermarks of which an import was cut off',
            kept([failed(0, 10, cut, INVALID_EXPORT), done(20, 30, watermark('t1'), gives(9))], { ...two, 9: 't1' })
        ],
        ['wrong-code', 'a shard is unfinished without an import', kept([failed(0, 10, head, IMPORT_UNFINISHED)], {})],
        [
            'wrong-code',
            'a shard is unfinished long after the import',
            kept([done(0, 10, importing(two)), failed(long, long + 10, head, IMPORT_UNFINISHED)], two)
        ],
        [
            'wrong-code',
            'an import finds something in the way',
            kept([failed(0, 10, importing(two), IMPORT_CONFLICT)], {})
        ],
        [
            'wrong-code',
            'a whole export is said to be cut off',
            kept([failed(0, 10, importing(two), INVALID_EXPORT)], {})
        ],
        ['history-lost', 'an export loses history', kept([given, failed(20, 30, exporting, HISTORY_LOST)], { 1: 't1' })]
    ])('%s: %s', (kind, _, history) => {
        expect(checkHistory(history).map(violation => violation.kind)).toEqual([kind]);
    });
});
