import { bar, date, number, type Paint } from '../text.js';
import type { Arrival } from './arrivals.js';

/** How many of the last arrivals are shown. */
const SHOWN = 8;
const PLACE_WIDTH = 38;

const KINDS = {
    insert: { sign: '+', colour: 'green' },
    update: { sign: '~', colour: 'yellow' },
    delete: { sign: '-', colour: 'red' }
} as const;

/** One of those who play. */
export interface Player {
    readonly name: string;
    readonly isUp: boolean;
    readonly pid?: number | undefined;
    /** What it does, or has. */
    readonly role: string;
}

/** All that the picture shows. */
export interface PictureState {
    /** When the last earthquake that was reported happened, in milliseconds since the epoch. */
    readonly time: number;
    readonly reported: number;
    readonly reports: number;
    readonly writes: number;
    readonly players: readonly Player[];
    /** Newest first. */
    readonly arrivals: readonly Arrival[];
}

/** The picture under the story. */
export function renderPicture(state: PictureState, paint: Paint): string[] {
    const { time, reported, reports, writes, players, arrivals } = state;
    const progress = paint('green', bar(reported / reports, 14));
    return [
        '',
        `${paint('bold', `${date(time)} UTC`)}  ${progress}  ${progressOf(reported, reports)}, ${number(writes)} writes`,
        '',
        ...players.map(player => renderPlayer(player, paint)),
        '',
        paint('dim', 'rows as they reach the client'),
        ...arrivals.slice(0, SHOWN).map(arrival => renderArrival(arrival, paint))
    ];
}

/** `812 of 1,707 reports` */
export function progressOf(reported: number, reports: number): string {
    return `${number(reported)} of ${number(reports)} reports`;
}

/** A row that has reached the client, in a line. */
export function renderArrival({ kind, row, tookMs }: Arrival, paint: Paint): string {
    const { sign, colour } = KINDS[kind];
    const parts = [
        `${paint(colour, sign)} ${row.id.padEnd(12)}`,
        `M ${row.magnitude.toFixed(1).padStart(4)}`,
        shorten(row.place, PLACE_WIDTH).padEnd(PLACE_WIDTH),
        tookMs === undefined ? '' : paint('dim', `after ${number(tookMs)} ms`)
    ];
    return parts.join('  ').trimEnd();
}

function renderPlayer({ name, isUp, pid, role }: Player, paint: Paint): string {
    const light = isUp ? paint('green', '●') : paint('red', '✗');
    return `${light} ${name.padEnd(15)}  ${paint('dim', String(pid ?? '').padStart(7))}  ${isUp ? role : paint('red', role)}`;
}

function shorten(text: string, width: number): string {
    return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
