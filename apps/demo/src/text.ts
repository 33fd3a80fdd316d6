import { stripVTControlCharacters, styleText } from 'node:util';

/** Gives a text a colour or style, or leaves it alone. */
export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

export const colours: Paint = (style, text) => (text === '' ? text : styleText(style, text, { validateStream: false }));
export const plain: Paint = (_style, text) => text;

/** A whole number with its thousands set apart. */
export function number(value: number): string {
    return Math.round(value).toLocaleString('en-US');
}

/** A duration in seconds, to a tenth. */
export function seconds(ms: number): string {
    return `${(ms / 1_000).toFixed(1)} s`;
}

/** `mm:ss` */
export function clock(ms: number): string {
    const total = Math.floor(ms / 1_000);
    return [Math.floor(total / 60), total % 60].map(part => String(part).padStart(2, '0')).join(':');
}

/** `2018-02-06 15:50` in UTC */
export function date(time: number): string {
    return new Date(time).toISOString().slice(0, 16).replace('T', ' ');
}

/** `a, b and c` */
export function list(items: readonly string[]): string {
    return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** A bar that is filled up to a share of its width; begun shows as begun, and only all of it as full. */
export function bar(share: number, width: number): string {
    const filled = share >= 1 ? width : Math.min(width - 1, Math.ceil(share * width));
    return '█'.repeat(filled) + '░'.repeat(width - filled);
}

/** Cuts a line, which may be coloured, to what fits in a terminal of that many columns. */
export function fit(line: string, columns: number): string {
    if (stripVTControlCharacters(line).length <= columns) {
        return line;
    }
    const parts = line.match(STYLES_AND_CHARACTERS) ?? [];
    let visible = 0;
    // Styles after the cut are kept: they end what was begun before it.
    const kept = parts.filter(part => part.length > 1 || ++visible < columns);
    return `${kept.join('')}…`;
}

// oxlint-disable-next-line no-control-regex
const STYLES_AND_CHARACTERS = /\u001b\[[0-9;]*m|[^]/g;
