import { expect, test } from 'vitest';

import { type LedgerEntry, parseLedger } from './ledger.js';
import { type FinalWatermark, verify } from './verify.js';

const EXPECTED = new Map([['ci', ['1', '2', '3', '4']]]);
const ALL = run(1, '1', '2', '3', '4');

function run(term: number, ...events: string[]): LedgerEntry[] {
    return events.map(event => ({ network: 'ci', term, event }));
}

function final(count = 4, lastId = '4', sequence = 40n): Map<string, FinalWatermark> {
    const progress = { count, lastId, owner: 'a', term: 1 };
    return new Map([['ci', { progress, sequence, expectedSequence: 40n }]]);
}

test('everything processed once, in order, is good', () => {
    expect(verify(EXPECTED, ALL, final())).toEqual({ events: 4, processed: 4, lost: [], repeated: 0, problems: [] });
});

test('what a new owner repeats from the watermark on is counted and no fault', () => {
    const entries = [...run(1, '1', '2', '3'), ...run(2, '2', '3', '4')];
    expect(verify(EXPECTED, entries, final())).toMatchObject({ processed: 4, lost: [], repeated: 2, problems: [] });
});

test('the ledgers of the owners may come in any order', () => {
    const entries = [...run(2, '3', '4'), ...run(1, '1', '2')];
    expect(verify(EXPECTED, entries, final())).toMatchObject({ processed: 4, repeated: 0, problems: [] });
});

test('a lost event is named', () => {
    expect(verify(EXPECTED, run(1, '1', '2', '4'), final())).toMatchObject({ processed: 3, lost: ['3'], problems: [] });
});

test.each([
    ['within a term', run(1, '1', '3', '2', '4')],
    ['twice within a term', run(1, '1', '2', '2', '3', '4')],
    ['an event that its owner has skipped and the next one makes up for', [...run(1, '1', '3'), ...run(2, '2', '4')]]
])('a wrong order is found: %s', (_name, entries) => {
    const { problems } = verify(EXPECTED, entries, final());
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^Network ci: 2 was processed out of order/);
});

test('events and networks that are not in the feed are found', () => {
    const strangers = [...run(1, '99'), { network: 'xx', term: 1, event: '1' }];
    expect(verify(EXPECTED, [...ALL, ...strangers], final()).problems).toHaveLength(2);
});

test.each([
    ['is missing', new Map<string, FinalWatermark>(), /has no watermark/],
    ['counts wrongly', final(5), /counts 5 events, there are 4/],
    ['ends with another event', final(4, '3'), /ends with 3, the feed with 4/],
    ['is at another place in the stream', final(4, '4', 39n), /is at 39, its last event at 40/]
])('a watermark that %s is a fault, even if nothing was lost', (_name, watermarks, message) => {
    const { lost, problems } = verify(EXPECTED, ALL, watermarks);
    expect(lost).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(message)]);
});

test('a line that a crash has cut off does not count as processed', () => {
    expect(parseLedger('ci 1 a/new\nci 1 a/rev')).toEqual([{ network: 'ci', term: 1, event: 'a/new' }]);
    expect(parseLedger('')).toEqual([]);
});
