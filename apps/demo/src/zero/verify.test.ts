import type { Rows } from '@cbnsndwch/zero-stage';
import { describe, expect, test } from 'vitest';

import { plain } from '../text.js';
import { isGood, renderSummary } from './summary.js';
import { type Evidence, verify } from './verify.js';

const QUAKE = {
    id: 'a',
    network: 'us',
    place: 'somewhere',
    magnitude: 1.5,
    time: 1,
    reviewed: true,
    felt: null,
    position: [1, 2]
};
const NETWORK = { code: 'us', type: 'earthquake', quakes: 2, strongest: 1.5, last: 'a' };
const ROWS: Rows = { quake: [QUAKE, { ...QUAKE, id: 'b' }], network: [NETWORK] };
const WIRE = { connections: 2, transactions: 3, first: '01', last: '04', problems: [] };

function evidence(different: Partial<Evidence> = {}): Evidence {
    return { written: ROWS, stored: ROWS, replica: ROWS, client: ROWS, wire: WIRE, problems: [], ...different };
}

function summaryOf(verdict: ReturnType<typeof verify>): string {
    const recovery = { replacedMs: 100, newRowMs: 1_250 };
    const recoveries = { changeSource: recovery, nats: recovery, zeroCache: { replacedMs: 6_400, newRowMs: 10_000 } };
    const counts = { writes: 4_137, arrivals: 1_800, medianMs: 41, clientConnections: 2 };
    return renderSummary(verdict, { ...counts, wire: WIRE, recoveries }, plain).join('\n');
}

test('the same rows everywhere are good, in whatever order', () => {
    const reversed = { quake: ROWS.quake.toReversed(), network: ROWS.network };
    const verdict = verify(evidence({ replica: reversed, client: reversed }));
    expect(verdict).toEqual({ rows: 3, inReplica: 3, atClient: 3, lost: [], problems: [] });
    expect(isGood(verdict)).toBe(true);
});

describe.each([
    ['stored', 'NATS KV'],
    ['replica', 'the replica'],
    ['client', 'the client']
] as const)('in %s', (place, name) => {
    test('a row that is missing is lost', () => {
        const verdict = verify(evidence({ [place]: { ...ROWS, network: [] } }));
        expect(verdict.lost).toEqual([expect.stringMatching(`^missing in ${name}: network .*"code":"us"`)]);
        expect(verdict.problems).toEqual([]);
        expect(isGood(verdict)).toBe(false);
    });

    test('a row that should be gone is a problem', () => {
        const verdict = verify(evidence({ [place]: { ...ROWS, quake: [...ROWS.quake, { ...QUAKE, id: 'c' }] } }));
        expect(verdict.lost).toEqual([]);
        expect(verdict.problems).toEqual([expect.stringMatching(`^surplus in ${name}: quake .*"id":"c"`)]);
        expect(isGood(verdict)).toBe(false);
    });

    test.each([
        ['number', { magnitude: 1.6 }],
        ['boolean', { reviewed: false }],
        ['null', { felt: 0 }],
        ['JSON', { position: [2, 1] }]
    ])('a row with an old value (%s) is lost, and the old one a problem', (_type, change) => {
        const [, other] = ROWS.quake;
        const quake = [{ ...QUAKE, ...change }, other as typeof QUAKE];
        const verdict = verify(evidence({ [place]: { ...ROWS, quake } }));
        expect([verdict.lost.length, verdict.problems.length]).toEqual([1, 1]);
    });
});

test('broken promises on the wire, and what went wrong by itself, are problems although no row is lost', () => {
    const wire = { ...WIRE, problems: ['connection 2: 03 after 04'] };
    const verdict = verify(evidence({ wire, problems: ['zero-cache ended by itself (code 14)'] }));
    expect(verdict.lost).toEqual([]);
    expect(verdict.problems).toEqual(['connection 2: 03 after 04', 'zero-cache ended by itself (code 14)']);
    expect(isGood(verdict)).toBe(false);
});

test('the summary says what was counted and measured', () => {
    const summary = summaryOf(verify(evidence()));
    expect(summary).toMatch(/written +4,137 times; 3 rows are in NATS KV now\n/);
    expect(summary).toMatch(/lost +0\n/);
    expect(summary).toMatch(/watermarks +3 transactions, 01 to 04\n/);
    expect(summary).toMatch(/zero-cache +6\.4 s until it was back, 10\.0 s until new rows reached the client\n/);
    expect(summary).toContain('\nNothing was lost: ');
});

test('the summary of a failure names what failed, and says nothing good', () => {
    const quake = Array.from({ length: 30 }, (_, index) => ({ ...QUAKE, id: `x${index}` }));
    const summary = summaryOf(verify(evidence({ client: { ...ROWS, quake } })));
    expect(summary).toMatch(/lost +2\n/);
    expect(summary).toContain('FAILED:\n  missing in the client: quake ');
    expect(summary).toMatch(/and 22 more$/);
    expect(summary).not.toContain('Nothing was lost');
});
