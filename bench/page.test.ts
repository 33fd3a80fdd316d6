import { describe, expect, test } from 'vitest';

import { behindLines } from './behind.mjs';
import { figureOf, measureLines, type Measure } from './measures.mjs';
import { pagesNow, readPages } from './page.mjs';
import { barPlot, descriptionOf, linePlot } from './shared/plot.mjs';
import { chartsOf } from './shared/report.mjs';
import type { Comparison, SectionResult } from './shared/results.mjs';
import { spreadOf, timesAsFast } from './shared/spread.mjs';

const way = (name: string, ...rates: number[]) => ({
    name,
    rounds: rates.map(aSecond => ({ aSecond, ownMicros: 5, p50Ms: 1_000 / aSecond }))
});
const comparison: Comparison = {
    kind: 'comparison',
    name: 'set, one caller: nats-server 2.15.1, single',
    unit: 'writes',
    ways: [way('ours', 10, 30, 20), way('theirs', 5, 10, 10)]
};
const result = { skipped: [], parts: [comparison] } as unknown as SectionResult;
const measure: Measure = {
    what: 'ours against theirs',
    section: 'set',
    part: 'set, one caller',
    place: 'single',
    way: 'ours',
    against: 'theirs',
    is: 'times as fast',
    atLeast: 2
};

describe('the pages with figures', () => {
    test('say what was measured last', async () => {
        const [is, oughtToBe] = [await readPages(), await pagesNow()];
        expect(is.markdown, 'run npm run bench -- --page').toEqual(oughtToBe.markdown);
        expect(is.charts).toEqual(oughtToBe.charts);
    });
});

describe('where the library is behind', () => {
    const behind = (theirs: string, rate: number) => {
        const parts = [{ ...comparison, ways: [way('ours', 10), way(theirs, rate)] }];
        return behindLines(new Map([['set', { ...result, parts }]]))
            .slice(2)
            .join('');
    };

    test('is told of what a user would take instead', () => {
        expect(behind('@nats-io/kv put', 20)).toMatch(/set, one caller: .*@nats-io\/kv put .* 0\.50/);
    });

    test('is not told of what is about as fast, or is only a limit', () => {
        expect(behind('@nats-io/kv put', 10.1)).toBe('');
        expect(behind('lean publisher', 20)).toBe('');
    });
});

describe('figures', () => {
    test('the spread is the median with both ends', () => {
        expect(spreadOf([3, 1, 2])).toEqual({ median: 2, lowest: 1, highest: 3 });
        expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, lowest: 1, highest: 4 });
    });

    test('ratios are taken within each round', () => {
        const [ours, theirs] = comparison.ways;
        expect(ours && theirs && timesAsFast(ours, theirs)).toEqual({ median: 2, lowest: 2, highest: 3 });
    });

    test('a measure is found without the version of the server, and told as reached or missed', () => {
        expect(figureOf(measure, new Map([['set', result]]))?.median).toBe(2);
        const lines = measureLines(
            [measure, { ...measure, atLeast: 2.1 }, { ...measure, is: 'times as long', atLeast: 0, atMost: 0.5 }],
            new Map([['Node 20', new Map([['set', result]])]])
        );
        expect(lines.slice(2).map(line => line.split('|').at(-2)?.trim())).toEqual(['reached', 'missed', 'reached']);
    });

    test('a measure of what was not measured is told as such', () => {
        expect(figureOf({ ...measure, place: 'cluster' }, new Map([['set', result]]))).toBeUndefined();
        expect(measureLines([measure], new Map([['Node 20', new Map()]])).at(-1)).toContain('not measured');
    });
});

describe('plots', () => {
    test('bars say their figures to those who cannot see them', () => {
        const [chart] = chartsOf(comparison);
        expect(chart?.file).toBe('set-one-caller-nats-server-2-15-1-single.svg');
        expect(chart?.description).toContain('ours: 20; theirs: 10');
        expect(chart?.svg).toContain('prefers-color-scheme: dark');
    });

    test('lines go through all points, on round axes', () => {
        const svg = linePlot({
            title: 'a < b',
            x: 'keys',
            y: 'ms',
            series: [
                {
                    name: 'ours',
                    points: [
                        [0, 0],
                        [5, 50],
                        [10, 100]
                    ]
                }
            ]
        });
        expect(descriptionOf(svg)).toBe('a &lt; b. ms over keys: ours ends at 100.');
        expect(svg.match(/d="M[\d. ]+(L[\d. ]+){2}"/g)).toHaveLength(1);
        expect(svg).not.toContain('NaN');
    });

    test('one bar of zero is drawn too', () => {
        expect(barPlot({ title: 't', x: 'x', bars: [{ name: 'b', median: 0, lowest: 0, highest: 0 }] })).not.toContain(
            'NaN'
        );
    });
});
