import { expect, test } from 'vitest';

import type { RecordedConnection } from './failover-proxy.js';
import { inspectWire } from './wire.js';

interface Sent {
    /** Watermarks of transactions, or both ends of one that begins and ends differently. */
    readonly transactions: readonly (string | readonly [begin: string, commit: string])[];
    readonly acknowledged?: readonly string[];
    readonly lastWatermark?: string;
}

function connection({ transactions, acknowledged = [], lastWatermark }: Sent): RecordedConnection {
    const received = transactions.flatMap((transaction): RecordedConnection['received'] => {
        const [begin, commit] = typeof transaction === 'string' ? [transaction, transaction] : transaction;
        return [
            ['begin', { tag: 'begin' }, { commitWatermark: begin }],
            ['commit', { tag: 'commit' }, { watermark: commit }]
        ];
    });
    const parameters = new URLSearchParams(lastWatermark === undefined ? {} : { lastWatermark });
    return { port: 1, parameters, received, acknowledged: [...acknowledged] };
}

function problemsOf(...connections: readonly Sent[]): readonly string[] {
    return inspectWire(connections.map(connection)).problems;
}

test('watermarks that grow are good, also when one that was in doubt is sent again', () => {
    const report = inspectWire(
        [
            { transactions: ['01', '03', '05'], acknowledged: ['01', '03'] },
            { transactions: ['05', '07'], acknowledged: ['05', '07'], lastWatermark: '03' }
        ].map(connection)
    );
    expect(report).toEqual({ connections: 2, transactions: 4, first: '01', last: '07', problems: [] });
});

test('nothing at all is no problem', () => {
    expect(inspectWire([])).toEqual({ connections: 0, transactions: 0, first: '', last: '', problems: [] });
});

test('one that is not above the one before is found', () => {
    expect(problemsOf({ transactions: ['03', '02'] })).toEqual(['connection 1: 02 after 03']);
    expect(problemsOf({ transactions: ['03', '03'] })).toEqual(['connection 1: 03 after 03']);
});

test('one that is not above what zero-cache has is found', () => {
    expect(problemsOf({ transactions: ['03'], lastWatermark: '05' })).toEqual(['connection 1: 03 after 05']);
});

test('one that was committed and is used again is found', () => {
    const problems = problemsOf(
        { transactions: ['03', '05'], acknowledged: ['03', '05'] },
        { transactions: ['05'], acknowledged: [], lastWatermark: '03' }
    );
    expect(problems).toEqual(['connection 2: 05 again, although it was committed']);
});

test('commits that go back are found', () => {
    const problems = problemsOf({ transactions: ['03', '05'], acknowledged: ['05', '03'] });
    expect(problems).toEqual(['connection 1: 03 was committed after 05']);
});

test('a transaction whose ends differ is found', () => {
    expect(problemsOf({ transactions: [['03', '04']] })).toEqual(['connection 1: begin 03, commit 04']);
});

test('a reset is found', () => {
    const { received, ...rest } = connection({ transactions: [] });
    received.push(['control', { tag: 'reset-required', message: 'pruned' }]);
    expect(inspectWire([{ received, ...rest }]).problems).toEqual(['connection 1: a reset: pruned']);
});
