import { expect, test } from 'vitest';

import { linePlot } from '../../../../../bench/shared/plot.mjs';

/** The places of a line's points, as they are in the document. */
function linesIn(svg: string): number[][][] {
    const paths = svg.matchAll(/<path d="(M[^"]*)" fill="none"/g);
    return Array.from(paths, ([, path = '']) =>
        path
            .slice(1)
            .split('L')
            .map(point => point.split(' ').map(Number))
    );
}

test('larger values are further right and further up, and names are text', () => {
    const svg = linePlot({
        title: 'a < b & c',
        x: 'minutes',
        y: 'ms',
        series: [
            {
                name: '<p50>',
                points: [
                    [0, 0],
                    [5, 50],
                    [10, 100]
                ]
            }
        ],
        marks: [{ x: 5, name: 'kill-node' }]
    });
    const [[first, middle, last] = []] = linesIn(svg);
    expect(first?.[0]).toBeLessThan(middle?.[0] ?? 0);
    expect(middle?.[0]).toBeLessThan(last?.[0] ?? 0);
    expect(first?.[1]).toBeGreaterThan(middle?.[1] ?? 0);
    expect((first?.[1] ?? 0) - (middle?.[1] ?? 0)).toBeCloseTo((middle?.[1] ?? 0) - (last?.[1] ?? 0), 0);
    expect(svg).toContain('a &lt; b &amp; c');
    expect(svg).toContain('&lt;p50&gt;');
    expect(svg).toContain('<title>kill-node</title>');
});

test('on a logarithmic axis ten times as much is one step up', () => {
    const points = [1, 10, 100, 1_000].map((value, index) => [index, value] as const);
    const svg = linePlot({ title: 't', x: 'x', y: 'y', logarithmic: true, series: [{ name: 'l', points }] });
    const heights = (linesIn(svg)[0] ?? []).map(([, y = 0]) => y);
    const steps = heights.slice(1).map((y, index) => (heights[index] ?? 0) - y);
    expect(new Set(steps.map(Math.round)).size).toBe(1);
});

test('a plot without points is still a document', () => {
    expect(linePlot({ title: 'nothing', x: 'x', y: 'y', series: [] })).toMatch(/^<svg[\s\S]*<\/svg>\n$/);
});
