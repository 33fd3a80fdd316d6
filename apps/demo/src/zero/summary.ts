import type { WireReport } from '@cbnsndwch/zero-stage';

import { renderOutcome } from '../outcome.js';
import { number, type Paint, seconds } from '../text.js';
import type { Recovery } from './trouble.js';
import type { Verdict } from './verify.js';

/** What was counted and measured on the way. */
export interface Measures {
    readonly writes: number;
    readonly wire: WireReport;
    /** How many changes the client was told of, and what half of them took from the beginning of their write. */
    readonly arrivals: number;
    readonly medianMs: number;
    /** How often the client has connected to zero-cache. */
    readonly clientConnections: number;
    readonly recoveries: Readonly<Record<'changeSource' | 'nats' | 'zeroCache', Recovery>>;
}

/** Whether the demo has shown what it is to show. */
export function isGood({ lost, problems }: Verdict): boolean {
    return lost.length === 0 && problems.length === 0;
}

/** The closing lines. */
export function renderSummary(verdict: Verdict, measures: Measures, paint: Paint): string[] {
    const { rows, inReplica, atClient, lost, problems } = verdict;
    const { writes, wire, arrivals, medianMs, clientConnections, recoveries } = measures;
    const { changeSource, nats, zeroCache } = recoveries;
    const newRow = ({ newRowMs }: Recovery) => `${seconds(newRowMs)} until new rows reached the client`;
    return renderOutcome(
        [
            ['written', `${number(writes)} times; ${number(rows)} rows are in NATS KV now`],
            ['replica', `${number(inReplica)} rows`],
            ['client', `${number(atClient)} rows; ${number(arrivals)} changes, half within ${number(medianMs)} ms`],
            ['lost', paint(lost.length === 0 ? 'green' : 'red', number(lost.length))],
            ['watermarks', `${number(wire.transactions)} transactions, ${wire.first} to ${wire.last}`],
            [
                'connections',
                `${number(wire.connections)} of zero-cache to change sources, ${number(clientConnections)} of the client`
            ],
            ['change source', `${seconds(changeSource.replacedMs)} until another one served, ${newRow(changeSource)}`],
            ['NATS node', `${seconds(nats.replacedMs)} until it was back, ${newRow(nats)}`],
            ['zero-cache', `${seconds(zeroCache.replacedMs)} until it was back, ${newRow(zeroCache)}`]
        ],
        [...lost, ...problems],
        'Nothing was lost: replica and client have every row as it was written, each watermark was above the one before, ' +
            'and zero-cache never had to begin anew.',
        paint
    );
}
