import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { SchemaSource } from '@cbnsndwch/zero-change-source';

/** The tables, as the change source is told of them. */
export const SCHEMA = {
    tables: {
        quake: {
            primaryKey: ['id'],
            columns: {
                id: 'string',
                network: 'string',
                place: 'string',
                magnitude: 'number',
                time: 'number',
                reviewed: 'boolean',
                felt: 'number?',
                position: 'json'
            }
        },
        network: {
            primaryKey: ['code', 'type'],
            columns: { code: 'string', type: 'string', quakes: 'number', strongest: 'number', last: 'string?' }
        }
    }
} as const satisfies SchemaSource;

/** An earthquake. */
export interface QuakeRow {
    readonly id: string;
    readonly network: string;
    readonly place: string;
    readonly magnitude: number;
    readonly time: number;
    readonly reviewed: boolean;
    readonly felt: number | null;
    readonly position: readonly number[];
}

/** What one seismic network has reported of one type of event; changes with each report. */
export interface NetworkRow {
    readonly code: string;
    readonly type: string;
    readonly quakes: number;
    readonly strongest: number;
    readonly last: string | null;
}

/** All rows of all tables. */
export interface Rows {
    readonly quake: readonly QuakeRow[];
    readonly network: readonly NetworkRow[];
}

interface Feature {
    readonly id: string;
    readonly properties: {
        readonly net: string;
        readonly type: string;
        readonly place: string;
        readonly mag: number;
        readonly time: number;
        readonly status: string;
        readonly felt: number | null;
    };
    readonly geometry: { readonly coordinates: readonly number[] };
}

/** A real report with what the table `network` needs to know of it. */
export interface Report {
    readonly row: QuakeRow;
    readonly type: string;
}

/** All earthquakes of a week in 2018, as the USGS published them, in the order in which they happened. */
export function loadReports(): readonly Report[] {
    const entry = createRequire(import.meta.url).resolve('vega-datasets');
    const feed = JSON.parse(readFileSync(new URL('../data/earthquakes.json', `file://${entry}`), 'utf8')) as {
        readonly features: readonly Feature[];
    };
    return feed.features
        .map(({ id, properties: { net, type, place, mag, time, status, felt }, geometry }) => ({
            type,
            row: {
                id,
                network: net,
                place,
                magnitude: mag,
                time,
                reviewed: status === 'reviewed',
                felt,
                position: geometry.coordinates
            }
        }))
        .sort((a, b) => a.row.time - b.row.time);
}
