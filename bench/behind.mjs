// @ts-check
import { table } from './shared/markdown.mjs';
import { timesAsFast } from './shared/spread.mjs';

/** @typedef {import('./shared/results.mjs').SectionResult} SectionResult */

/** What a user would take instead; the lean ways and the stores of this project are no such thing. */
const INSTEAD = /^(@nats-io\/|before)/;
/** Of what is closer, the next run may say the opposite. */
const BEHIND = 0.95;

/**
 * Where the library is slower than what a user would take instead: its way is the first one of each comparison.
 *
 * @param {ReadonlyMap<string, SectionResult>} run
 */
export function behindLines(run) {
    const comparisons = [...run.values()].flatMap(({ parts }) => parts.filter(part => part.kind === 'comparison'));
    const rows = comparisons.flatMap(({ name, ways: [ours, ...others] }) =>
        others
            .filter(other => INSTEAD.test(other.name))
            .flatMap(other => {
                const times = ours === undefined ? NaN : timesAsFast(ours, other).median;
                return times < BEHIND ? [[name, other.name, times.toFixed(2)]] : [];
            })
    );
    return table(['what', 'against', 'times as fast'], rows);
}
