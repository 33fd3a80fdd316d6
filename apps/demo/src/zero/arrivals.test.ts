import { expect, test } from 'vitest';

import { Arrivals } from './arrivals.js';

function quake(id: string) {
    const where = { place: 'somewhere', position: [0, 0, 0] };
    return { id, network: 'us', magnitude: 1, time: 0, reviewed: false, felt: null, ...where };
}

function recorded(...durations: readonly number[]): Arrivals {
    const arrivals = new Arrivals();
    for (const [index, duration] of durations.entries()) {
        arrivals.writing(`quake.${index}`, 1_000);
        arrivals.arrived({ kind: 'insert', row: quake(String(index)) }, 1_000 + duration);
    }
    return arrivals;
}

test('an arrival took as long as it was since the last write of its row began', () => {
    const arrivals = new Arrivals();
    arrivals.writing('quake.a', 100);
    arrivals.writing('quake.a', 200);
    arrivals.writing('network.a', 290);
    expect(arrivals.arrived({ kind: 'update', row: quake('a') }, 300)).toEqual({
        kind: 'update',
        row: quake('a'),
        tookMs: 100
    });
});

test('the newest stands first, and old ones are forgotten', () => {
    const { latest, count } = recorded(...Array.from({ length: 200 }, () => 5));
    expect(latest[0]?.row.id).toBe('199');
    expect(latest.length).toBeLessThan(200);
    expect(count).toBe(200);
});

test('half of all took longer than the median', () => {
    expect(recorded(30, 10, 5_000, 20, 40).medianMs).toBe(30);
    expect(recorded().medianMs).toBe(0);
});

test('a row that was written before anybody looked is not counted, and shown all the same', () => {
    const arrivals = new Arrivals();
    expect(arrivals.arrived({ kind: 'delete', row: quake('a') }, 300).tookMs).toBeUndefined();
    expect(arrivals).toMatchObject({ count: 0, medianMs: 0 });
    expect(arrivals.latest).toHaveLength(1);
});

test('waits for a row that was written after a time, not only for one that arrives after it', async () => {
    const arrivals = new Arrivals();
    let done = false;
    const waiting = arrivals.writtenAfter(500, 1_000).then(() => (done = true));
    arrivals.writing('quake.a', 400);
    arrivals.writing('quake.b', 600);
    arrivals.arrived({ kind: 'insert', row: quake('a') }, 700);
    await Promise.resolve();
    expect(done).toBe(false);
    arrivals.arrived({ kind: 'insert', row: quake('b') }, 800);
    await waiting;
});
