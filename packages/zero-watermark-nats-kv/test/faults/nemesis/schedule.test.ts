import fc from 'fast-check';
import { expect, test } from 'vitest';

import { makeSchedule, type ScheduledFault } from './schedule.js';

const OPTIONS = {
    durationMs: 60_000,
    nodes: 3,
    clients: 3,
    upgrade: true,
    gapsMs: { nodes: 6_000, leaders: 5_000, network: 4_000, clients: 9_000 }
};
const seeds = fc.integer({ min: 0, max: 0x7fffffff });

function sortsOf(seed: number): readonly (readonly ScheduledFault[])[] {
    return Object.values(makeSchedule(seed, OPTIONS));
}

test('the same seed makes the same schedule, another seed another one', () => {
    fc.assert(
        fc.property(seeds, seed => {
            expect(makeSchedule(seed, OPTIONS)).toEqual(makeSchedule(seed, OPTIONS));
            expect(makeSchedule(seed, OPTIONS)).not.toEqual(makeSchedule(seed + 1, OPTIONS));
        })
    );
});

test('whatever the seed: enough faults, of every kind, in order, within the time', () => {
    fc.assert(
        fc.property(seeds, seed => {
            const faults = sortsOf(seed).flat();
            const kinds = new Set(faults.map(({ fault }) => fault.kind));
            expect(faults.length).toBeGreaterThanOrEqual(40);
            expect(kinds.size).toBe(10);
            for (const sort of sortsOf(seed)) {
                const times = sort.map(({ atMs }) => atMs);
                expect(times).toEqual(times.toSorted((a, b) => a - b));
                expect(times.every(atMs => atMs >= 0 && atMs <= OPTIONS.durationMs)).toBe(true);
            }
        })
    );
});

test('the nodes are upgraded once, and client 0 is never killed', () => {
    fc.assert(
        fc.property(seeds, seed => {
            const { nodes, clients } = makeSchedule(seed, OPTIONS);
            expect(nodes.filter(({ fault }) => fault.kind === 'upgrade-nodes')).toHaveLength(1);
            const killed = clients.flatMap(({ fault }) => (fault.kind === 'kill-client' ? [fault.client] : []));
            expect(killed).toHaveLength(clients.length);
            expect(killed.every(client => client === 1 || client === 2)).toBe(true);
        })
    );
});
