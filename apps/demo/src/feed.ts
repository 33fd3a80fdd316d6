import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** One change of one earthquake, as it goes into the stream. */
export interface QuakeEvent {
    /** Unique: the earthquake and what happened to it. */
    readonly id: string;
    readonly kind: 'new' | 'revised';
    /** The seismic network that located the earthquake. */
    readonly network: string;
    /** When it happened, in milliseconds since the epoch. */
    readonly time: number;
    readonly magnitude: number;
    readonly place: string;
}

/** What we use of an earthquake in the USGS feed. */
export interface Quake {
    readonly id: string;
    readonly properties: {
        readonly net: string;
        readonly time: number;
        readonly updated: number;
        readonly mag: number;
        readonly place: string;
    };
}

/** The events of all earthquakes in the order in which they happened: each is new, and revised later. */
export function eventsOf(quakes: readonly Quake[]): QuakeEvent[] {
    return quakes
        .flatMap(({ id, properties: { net, time, updated, mag, place } }): QuakeEvent[] => {
            const quake = { network: net, magnitude: mag, place };
            return [
                { id: `${id}/new`, kind: 'new', time, ...quake },
                { id: `${id}/revised`, kind: 'revised', time: updated, ...quake }
            ];
        })
        .sort((a, b) => a.time - b.time || (a.kind === b.kind ? (a.id < b.id ? -1 : 1) : a.kind < b.kind ? -1 : 1));
}

/** The ids of the events of each network, in their order; the busiest network first. */
export function byNetwork(events: readonly QuakeEvent[]): Map<string, string[]> {
    const networks = new Map<string, string[]>();
    for (const { network, id } of events) {
        const ids = networks.get(network);
        if (ids === undefined) {
            networks.set(network, [id]);
        } else {
            ids.push(id);
        }
    }
    return new Map([...networks].sort(([a, idsOfA], [b, idsOfB]) => idsOfB.length - idsOfA.length || (a < b ? -1 : 1)));
}

/** All earthquakes of a week in 2018, as the USGS published them. */
export async function loadQuakes(): Promise<readonly Quake[]> {
    const entry = createRequire(import.meta.url).resolve('vega-datasets');
    const file = new URL('../data/earthquakes.json', `file://${entry}`);
    const feed = JSON.parse(await readFile(file, 'utf8')) as { features: readonly Quake[] };
    return feed.features;
}

/** Who stands behind a network's code. */
export const REGIONS: Readonly<Record<string, string>> = {
    ak: 'Alaska',
    ci: 'Southern California',
    hv: 'Hawaii',
    mb: 'Montana',
    nc: 'Northern California',
    nm: 'New Madrid',
    nn: 'Nevada',
    pr: 'Puerto Rico',
    se: 'Southeastern US',
    us: 'Worldwide (USGS)',
    uu: 'Utah',
    uw: 'Pacific Northwest'
};
