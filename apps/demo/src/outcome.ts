import { number, type Paint } from './text.js';

const MOST_FAULTS = 10;

/**
 * The closing lines of a demo: what was counted and measured, and whether all is well.
 *
 * @param rows names with values, which may be coloured
 * @param faults one sentence each
 * @param praise what to say when there are none
 */
export function renderOutcome(
    rows: readonly (readonly [name: string, value: string])[],
    faults: readonly string[],
    praise: string,
    paint: Paint
): string[] {
    const more = faults.length - MOST_FAULTS;
    const width = Math.max(...rows.map(([name]) => name.length)) + 1;
    return [
        '',
        ...rows.map(([name, value]) => `  ${paint('dim', name.padEnd(width))}  ${value}`),
        '',
        ...(faults.length === 0
            ? [paint('green', praise)]
            : [paint('red', 'FAILED:'), ...faults.slice(0, MOST_FAULTS).map(fault => `  ${fault}`)]),
        ...(more > 0 ? [`  and ${number(more)} more`] : [])
    ];
}
