import type { NetworkState } from './board.js';
import { bar, number, type Paint, seconds } from './text.js';

const BAR_WIDTH = 7;

/** A watermark that is older than this is shown as late. */
const LATE_MS = 1_000;

/** How the table is drawn. */
export interface TableStyle {
    readonly paint: Paint;
    /** How wide it may be; what is least needed is left out where that is too narrow. */
    readonly columns: number;
    /** What a network's code stands for. */
    readonly regions: Readonly<Record<string, string>>;
    /** The colour of an owner. */
    readonly colourOf: (owner: string) => Parameters<Paint>[0];
}

interface Column {
    readonly title: string;
    readonly align?: 'right';
    /** Fixed, so that the table stands still while its contents change. */
    readonly width: number;
    /** Shown only in a table that is at least so wide. */
    readonly from?: number;
    text(state: NetworkState, ageMs: number, regions: TableStyle['regions']): string;
    colour?(state: NetworkState, ageMs: number, style: TableStyle): Parameters<Paint>[0] | undefined;
}

const COLUMNS: readonly Column[] = [
    { title: '', width: 2, text: ({ network }) => network },
    {
        title: 'network',
        width: 19,
        from: 101,
        text: ({ network }, _ageMs, regions) => regions[network] ?? '',
        colour: () => 'dim'
    },
    { title: 'watermark', width: 9, text: ({ version }) => version },
    {
        title: '',
        width: BAR_WIDTH,
        from: 80,
        text: ({ progress, total }) => bar(progress.count / total, BAR_WIDTH),
        colour: state => (isDone(state) ? 'green' : 'cyan')
    },
    { title: 'events', align: 'right', width: 7, text: ({ progress, total }) => `${progress.count}/${total}` },
    { title: 'last event', width: 20, text: ({ progress }) => progress.lastId },
    {
        title: 'owner',
        width: 10,
        text: ({ progress }) => progress.owner,
        colour: ({ progress }, _ageMs, { colourOf }) => colourOf(progress.owner)
    },
    {
        title: 'rate',
        align: 'right',
        width: 5,
        text: ({ ratePerSecond }) => (ratePerSecond < 0.5 ? '' : `${number(ratePerSecond)}/s`)
    },
    {
        title: 'age',
        align: 'right',
        width: 6,
        text: (_state, ageMs) => seconds(ageMs),
        colour: (_state, ageMs) => (ageMs > LATE_MS ? 'red' : undefined)
    }
];

/**
 * The watermarks as lines of a table, one a network, under a line of titles.
 *
 * @param now the time, in milliseconds since the epoch
 */
export function renderTable(states: readonly NetworkState[], style: TableStyle, now: number): string[] {
    const columns = COLUMNS.filter(({ from }) => from === undefined || style.columns >= from);
    const titles = columns.map(column => pad(column.title, column)).join('  ');
    const rows = states.map(state => {
        const ageMs = Math.max(0, now - state.timestamp);
        const cells = columns.map(column => {
            const text = pad(column.text(state, ageMs, style.regions), column);
            const colour = column.colour?.(state, ageMs, style);
            return colour === undefined ? text : style.paint(colour, text);
        });
        return cells.join('  ').trimEnd();
    });
    return [style.paint('dim', titles.trimEnd()), ...rows];
}

function isDone({ progress, total }: NetworkState): boolean {
    return progress.count >= total;
}

function pad(text: string, { align, width }: Column): string {
    return align === 'right' ? text.padStart(width) : text.padEnd(width);
}
