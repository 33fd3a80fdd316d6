import { number, type Paint, seconds } from './text.js';
import type { Verdict } from './verify.js';

/** What was measured on the way. */
export interface Measures {
    readonly victim: string;
    /** How long after the kill each network of the victim had a new owner, in milliseconds. */
    readonly takeoversMs: readonly number[];
    /** How long the NATS node was gone. */
    readonly nodeDownMs: number;
    /** The longest time without a watermark write. */
    readonly silenceMs: number;
    readonly writes: number;
    readonly writesPerSecond: number;
}

/** Whether the demo has shown what it is to show. */
export function isGood({ lost, problems }: Verdict): boolean {
    return lost.length === 0 && problems.length === 0;
}

/** The closing lines. */
export function renderSummary(verdict: Verdict, measures: Measures, paint: Paint): string[] {
    const { events, processed, lost, repeated, problems } = verdict;
    const { victim, takeoversMs, nodeDownMs, silenceMs, writes, writesPerSecond } = measures;
    const rows: readonly (readonly [string, string])[] = [
        ['events', number(events)],
        ['processed', number(processed)],
        ['lost', paint(lost.length === 0 ? 'green' : 'red', number(lost.length))],
        ['repeated', `${number(repeated)}, after the takeover`],
        [
            'takeover',
            `${seconds(Math.max(0, ...takeoversMs))} until all ${takeoversMs.length} networks of ${victim} had a new owner`
        ],
        ['NATS outage', `${seconds(nodeDownMs)} without the node, ${seconds(silenceMs)} without a watermark write`],
        ['writes', `${number(writes)} of watermarks, ${number(writesPerSecond)}/s`]
    ];
    const faults = [...lost.map(event => `${event} was not processed.`), ...problems];
    return [
        '',
        ...rows.map(([name, value]) => `  ${paint('dim', name.padEnd(12))}  ${value}`),
        '',
        ...(isGood(verdict)
            ? [paint('green', 'Nothing was lost: every event was processed, in the order of its network.')]
            : [paint('red', 'FAILED:'), ...faults.slice(0, 10).map(fault => `  ${fault}`), ...more(faults.length - 10)])
    ];
}

function more(count: number): string[] {
    return count > 0 ? [`  and ${number(count)} more`] : [];
}
