import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';

import { colours, plain } from '../text.js';
import type { Arrival } from './arrivals.js';
import { type PictureState, renderArrival, renderPicture } from './picture.js';

const ARRIVAL: Arrival = {
    kind: 'insert',
    row: {
        id: 'us1000cfmu',
        network: 'us',
        place: '101km ENE of Visokoi Island, South Georgia and the South Sandwich Islands',
        magnitude: -0.31,
        time: 0,
        reviewed: true,
        felt: null,
        position: [0, 0, 10]
    },
    tookMs: 1_433.6
};

const STATE: PictureState = {
    time: Date.UTC(2018, 1, 5, 22, 54),
    reported: 1_469,
    reports: 1_707,
    writes: 13_559,
    players: [
        { name: 'change-source-1', pid: 4_194_304, isUp: true, role: 'serves zero-cache' },
        { name: 'change-source-2', isUp: false, role: 'gone' },
        {
            name: 'zero-cache',
            pid: 30_010,
            isUp: true,
            role: '1,551 rows in its replica, watermark c1jvpu1fnd1fen'
        }
    ],
    arrivals: Array.from({ length: 30 }, () => ARRIVAL)
};

test('says how far it is, who plays, and what has arrived', () => {
    const picture = renderPicture(STATE, plain);
    expect(picture[1]).toBe('2018-02-05 22:54 UTC  █████████████░  1,469 of 1,707 reports, 13,559 writes');
    expect(picture[3]).toBe('● change-source-1  4194304  serves zero-cache');
    expect(picture[4]).toBe('✗ change-source-2           gone');
    expect(picture.at(-1)).toMatch(/^\+ us1000cfmu {4}M -0\.3 {2}101km ENE of Visokoi Island, .*… {2}after 1,434 ms$/);
});

test('fits a small terminal, whatever arrives', () => {
    const picture = renderPicture(STATE, plain);
    expect(picture.length).toBeLessThanOrEqual(22);
    expect(Math.max(...picture.map(line => line.length))).toBeLessThanOrEqual(80);
});

test('a row tells by its sign what has become of it', () => {
    const signs = (['insert', 'update', 'delete'] as const).map(kind => renderArrival({ ...ARRIVAL, kind }, plain)[0]);
    expect(signs).toEqual(['+', '~', '-']);
    expect(renderArrival({ ...ARRIVAL, tookMs: undefined }, plain)).not.toContain('after');
});

test('colours change nothing else, and who is gone is red', () => {
    const coloured = renderPicture(STATE, colours);
    expect(coloured.map(stripVTControlCharacters)).toEqual(renderPicture(STATE, plain));
    expect(coloured[4]).toContain(colours('red', 'gone'));
    expect(coloured[3]).not.toContain(colours('red', 'serves zero-cache'));
});
