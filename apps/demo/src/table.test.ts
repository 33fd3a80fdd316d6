import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';

import type { NetworkState } from './board.js';
import { renderTable, type TableStyle } from './table.js';
import { bar, clock, colours, fit, list, plain } from './text.js';

const STATE: NetworkState = {
    network: 'ci',
    total: 772,
    version: '21p9',
    sequence: 80_973n,
    progress: { count: 386, lastId: 'pr2018037009/revised', owner: 'instance-a', term: 1 },
    timestamp: 10_000,
    ratePerSecond: 61.4
};
const NEXT: NetworkState = {
    ...STATE,
    network: 'se',
    version: '00',
    progress: { count: 0, lastId: '', owner: 'instance-b', term: 2 },
    ratePerSecond: 0
};

function style(columns: number, paint = plain): TableStyle {
    return { paint, columns, regions: { ci: 'Southern California' }, colourOf: () => 'cyan' };
}

test('a row says everything about a watermark', () => {
    const [titles, row] = renderTable([STATE], style(120), 11_230);
    expect(titles?.trim().split(/\s{2,}/)).toEqual([
        'network',
        'watermark',
        'events',
        'last event',
        'owner',
        'rate',
        'age'
    ]);
    expect(row?.split(/\s{2,}/)).toEqual([
        'ci',
        'Southern California',
        '21p9',
        '████░░░',
        '386/772',
        'pr2018037009/revised',
        'instance-a',
        '61/s',
        '1.2 s'
    ]);
});

test('rows stand still: every column ends where it ended, whatever is in it', () => {
    const rows = renderTable([STATE, NEXT], style(120), 11_230).slice(1);
    expect(rows.map(row => row.indexOf('instance-'))).toEqual([
        rows[0]?.indexOf('instance-a'),
        rows[0]?.indexOf('instance-a')
    ]);
    expect(new Set(rows.map(row => row.length)).size).toBe(1);
});

test.each([120, 105, 98, 84, 80, 74])('fits a terminal of %d columns', columns => {
    const rows = renderTable([STATE, NEXT], style(columns), 11_230);
    expect(Math.max(...rows.map(row => row.length))).toBeLessThanOrEqual(columns);
    expect(rows[1]).toContain('1.2 s');
});

test('colours change nothing else, and a late watermark is red', () => {
    const coloured = renderTable([STATE], style(120, colours), 11_230);
    expect(coloured.map(stripVTControlCharacters)).toEqual(renderTable([STATE], style(120), 11_230));
    expect(coloured[1]).toContain(colours('red', ' 1.2 s'));
    expect(renderTable([STATE], style(120, colours), 10_500)[1]).not.toContain(colours('red', ' 0.5 s'));
});

test('a bar shows that something has begun, and is full only when all is done', () => {
    expect(bar(0, 4)).toBe('░░░░');
    expect(bar(0.001, 4)).toBe('█░░░');
    expect(bar(0.999, 4)).toBe('███░');
    expect(bar(1, 4)).toBe('████');
});

test('a line is cut to the width of the terminal, and its colour ends with it', () => {
    expect(fit('12345', 5)).toBe('12345');
    expect(fit('123456', 5)).toBe('1234…');
    expect(fit(`ab${colours('red', 'cdefg')}`, 5)).toBe(`ab${colours('red', 'cd')}…`);
});

test('times and lists read as a person writes them', () => {
    expect(clock(67_900)).toBe('01:07');
    expect(list(['a', 'b', 'c'])).toBe('a, b and c');
    expect(list(['a'])).toBe('a');
    expect(list([])).toBe('');
});
