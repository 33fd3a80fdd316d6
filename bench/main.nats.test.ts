import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { PAGES } from './page.mjs';
import type { Comparison, SectionResult, Table } from './shared/results.mjs';

/** Of a machine that is busy with other tests; alone it takes a tenth of that. */
const TIMEOUT_MS = 180_000;

const SECTIONS = [
    'set',
    'get',
    'conditional',
    'get-all',
    'view',
    'watch',
    'resume-tokens',
    'stores',
    'systems',
    'durability',
    'start-up',
    'far',
    'memory',
    'growth'
];

let folder: string;
let results: Record<string, SectionResult>;
let markdown: string;

/** That it measures is tested, with the packages that were built. What it measures here means nothing. */
beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bench-test-'));
    const main = fileURLToPath(new URL('main.mjs', import.meta.url));
    const json = join(folder, 'results.json');
    const { stdout } = await promisify(execFile)(process.execPath, [main, '--quick', '--json', json], {
        maxBuffer: 16 * 2 ** 20
    });
    markdown = stdout;
    results = JSON.parse(await readFile(json, 'utf8')) as Record<string, SectionResult>;
}, TIMEOUT_MS);

afterAll(() => rm(folder, { recursive: true, force: true }));

test('there are these sections', () => {
    expect(Object.keys(results)).toEqual(SECTIONS);
});

test.each(PAGES)('docs/%s asks for these only', async name => {
    const page = await readFile(new URL(`../docs/${name}`, import.meta.url), 'utf8');
    const asked = [...page.matchAll(/<!-- bench: (.+?): /g)].map(([, section]) => section);
    expect(asked.length).toBeGreaterThan(0);
    expect(SECTIONS).toEqual(expect.arrayContaining(asked));
});

describe.each(SECTIONS)('%s', name => {
    const partsOf = (): SectionResult['parts'] => results[name]?.parts ?? [];
    const comparisons = (): Comparison[] => partsOf().filter(part => part.kind === 'comparison');
    const tables = (): Table[] => partsOf().filter(part => part.kind === 'table');

    test('measures something, each under a name of its own, and tells it', () => {
        const names = partsOf().map(part => part.name);
        expect(names.length).toBeGreaterThan(0);
        expect(new Set(names).size).toBe(names.length);
        for (const part of names) {
            expect(markdown).toContain(`## ${part}\n`);
        }
    });

    test('gives each way a sane rate, cost and latency', () => {
        for (const { ways } of comparisons()) {
            expect(ways.length).toBeGreaterThan(1);
            for (const way of ways) {
                expect(way.rounds, way.name).toHaveLength(1);
                for (const { aSecond, ownMicros, p50Ms = 1, serverMicros = 0 } of way.rounds) {
                    // What is no finite number is null in JSON, which is not above zero.
                    expect(aSecond, way.name).toBeGreaterThan(0);
                    expect(ownMicros, way.name).toBeGreaterThan(0);
                    expect(p50Ms, way.name).toBeGreaterThan(0);
                    expect(serverMicros, way.name).toBeGreaterThanOrEqual(0);
                }
                const { p50, p95, p99 } = way.latenciesMs ?? { p50: 0, p95: 0, p99: 0 };
                expect(p50, way.name).toBeLessThanOrEqual(p95);
                expect(p95, way.name).toBeLessThanOrEqual(p99);
            }
        }
    });

    test('fills its tables', () => {
        for (const { rows, columns, name: table } of tables()) {
            expect(rows.length, table).toBeGreaterThan(0);
            for (const { name: row, cells } of rows) {
                expect(cells, `${table}: ${row}`).toHaveLength(columns.length);
                expect(cells.flat().every(Number.isFinite), `${table}: ${row}: ${JSON.stringify(cells)}`).toBe(true);
            }
        }
    });
});

test('no table has a figure that is none', () => {
    expect(markdown).not.toMatch(/NaN|undefined|Infinity/);
});
