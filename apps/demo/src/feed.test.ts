import { expect, test } from 'vitest';

import { byNetwork, eventsOf, loadQuakes, type Quake, REGIONS } from './feed.js';

function quake(id: string, net: string, time: number, updated: number): Quake {
    return { id, properties: { net, time, updated, mag: 1, place: 'somewhere' } };
}

test('each earthquake is new at its time and revised at its update, all in the order of time', () => {
    const events = eventsOf([quake('b', 'us', 20, 50), quake('a', 'ci', 10, 30)]);
    expect(events.map(({ id, time }) => [id, time])).toEqual([
        ['a/new', 10],
        ['b/new', 20],
        ['a/revised', 30],
        ['b/revised', 50]
    ]);
});

test('what happens at the same time has one order, whatever the order of the feed', () => {
    const quakes = [quake('a', 'us', 1, 1), quake('b', 'us', 1, 1)];
    const ids = ['a/new', 'b/new', 'a/revised', 'b/revised'];
    expect(eventsOf(quakes).map(({ id }) => id)).toEqual(ids);
    expect(eventsOf(quakes.toReversed()).map(({ id }) => id)).toEqual(ids);
});

test('the busiest network comes first and keeps the order of its events', () => {
    const networks = byNetwork(eventsOf([quake('a', 'us', 1, 9), quake('b', 'ci', 2, 5), quake('c', 'ci', 3, 4)]));
    expect([...networks]).toEqual([
        ['ci', ['b/new', 'c/new', 'c/revised', 'b/revised']],
        ['us', ['a/new', 'a/revised']]
    ]);
});

test('the real feed: 1,707 earthquakes of twelve networks that we have names for, each event with an id of its own', async () => {
    const quakes = await loadQuakes();
    const events = eventsOf(quakes);
    expect(quakes).toHaveLength(1_707);
    expect(new Set(events.map(({ id }) => id)).size).toBe(2 * 1_707);
    expect([...byNetwork(events).keys()].sort()).toEqual(Object.keys(REGIONS));
    expect(events.every((event, index) => event.time >= (events[index - 1]?.time ?? 0))).toBe(true);
});
