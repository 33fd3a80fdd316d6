import { renderOutcome } from './outcome.js';
import { number, type Paint, seconds } from './text.js';
import type { Verdict } from './verify.js';

/** What was measured on the way. */
export interface Measures {
    readonly victim: string;
    /** How long after the kill each network of the victim had a new owner, in milliseconds. */
    readonly takeoversMs: readonly number[];
    /** What happened to the store, and for how long, in milliseconds. */
    readonly outage: { readonly name: string; readonly state: string; readonly ms: number };
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
    const { victim, takeoversMs, outage, silenceMs, writes, writesPerSecond } = measures;
    const rows: readonly (readonly [string, string])[] = [
        ['events', number(events)],
        ['processed', number(processed)],
        ['lost', paint(lost.length === 0 ? 'green' : 'red', number(lost.length))],
        ['repeated', `${number(repeated)}, after the takeover`],
        [
            'takeover',
            `${seconds(Math.max(0, ...takeoversMs))} until all ${takeoversMs.length} networks of ${victim} had a new owner`
        ],
        [outage.name, `${seconds(outage.ms)} ${outage.state}, ${seconds(silenceMs)} without a watermark write`],
        ['writes', `${number(writes)} of watermarks, ${number(writesPerSecond)}/s`]
    ];
    return renderOutcome(
        rows,
        [...lost.map(event => `${event} was not processed.`), ...problems],
        'Nothing was lost: every event was processed, in the order of its network.',
        paint
    );
}
