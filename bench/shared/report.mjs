// @ts-check
import { machineSentence } from './machine.mjs';
import { decimal, spread, table } from './markdown.mjs';
import { barPlot, descriptionOf, linePlot } from './plot.mjs';
import { ratesOf, spreadOf, timesAsFast } from './spread.mjs';

/** @typedef {import('./results.mjs').Part} Part */
/** @typedef {import('./results.mjs').Comparison} Comparison */
/** @typedef {import('./results.mjs').Table} Table */
/** @typedef {import('./results.mjs').Cell} Cell */
/** @typedef {import('./results.mjs').SectionResult} SectionResult */
/** @typedef {import('./rounds.mjs').WayResult} WayResult */
/** @typedef {import('./section.mjs').Section} Section */

/**
 * The results of a section for people.
 *
 * @param {Section} section
 * @param {SectionResult} result
 */
export function sectionMarkdown({ name, title, text }, { machine, settings, skipped, parts }) {
    return [
        `# ${title}`,
        '',
        text,
        '',
        `Measured in one run of \`npm run bench -- --only ${name}\`. What is compared runs in turn (A B A B), after a ` +
            'warm-up. Servers and callers share the machine, so only the ratios mean something. A figure is the median of ' +
            'all rounds, with the lowest and the highest in brackets; ratios are taken within each round.',
        '',
        `${machineSentence(machine)} Settings: \`${JSON.stringify(settings)}\`.`,
        '',
        ...(skipped.length > 0 ? ['Not measured:', '', ...skipped.map(reason => `- ${reason}`), ''] : []),
        ...parts.flatMap(part => [`## ${part.name}`, '', ...partLines(part), ''])
    ].join('\n');
}

/** @param {Part} part */
export function partLines(part) {
    return [
        ...(part.text === undefined ? [] : [part.text, '']),
        ...(part.kind === 'comparison' ? comparisonLines(part) : tableLines(part))
    ];
}

/** @param {Comparison} comparison */
function comparisonLines({ unit, ways, reference }) {
    const compared = ways.find(({ name }) => name === reference) ?? ways.at(-1);
    const withLatencies = ways.some(({ latenciesMs }) => latenciesMs !== undefined);
    const withServer = ways.some(({ rounds }) => rounds.some(({ serverMicros }) => serverMicros !== undefined));
    const head = [
        '',
        `${unit} a second`,
        `against ${compared?.name}`,
        ...(withLatencies ? ['p50, ms', 'p95, ms', 'p99, ms'] : []),
        'µs of processor',
        ...(withServer ? ['of the servers'] : [])
    ];
    return table(
        head,
        ways.map(way => [
            way.name,
            spread(ratesOf(way), 0),
            compared === undefined || way === compared ? '' : timesCell(timesAsFast(way, compared)),
            ...(withLatencies ? latencyCells(way) : []),
            decimal(spreadOf(way.rounds.map(({ ownMicros }) => ownMicros)).median, 1),
            ...(withServer ? [serverCell(way)] : [])
        ])
    );
}

/** @param {import('./spread.mjs').Spread} times */
function timesCell({ median }) {
    return `${Number(median.toPrecision(median < 10 ? 2 : 3)).toLocaleString('en')} times`;
}

/** @param {WayResult} way */
function latencyCells({ latenciesMs }) {
    return latenciesMs === undefined
        ? ['', '', '']
        : [latenciesMs.p50, latenciesMs.p95, latenciesMs.p99].map(ms => decimal(ms, 3));
}

/** @param {WayResult} way */
function serverCell({ rounds }) {
    const micros = rounds.flatMap(({ serverMicros }) => serverMicros ?? []);
    return micros.length === 0 ? '' : decimal(spreadOf(micros).median, 1);
}

/** @param {Table} result */
function tableLines({ heading, columns, rows }) {
    return table(
        [heading, ...columns.map(({ name }) => name)],
        rows.map(({ name, cells }) => [
            name,
            ...cells.map((cell, index) => cellText(cell, columns[index]?.digits ?? 0))
        ])
    );
}

/**
 * @param {Cell} cell
 * @param {number} digits
 */
function cellText(cell, digits) {
    if (cell === null) {
        return '';
    }
    return typeof cell === 'number' ? decimal(cell, digits) : spread(spreadOf(cell), digits);
}

/**
 * The charts of a part. `file`: a name for it; `description`: what is to be seen.
 *
 * @param {Part} part
 * @returns {{ file: string, description: string, svg: string }[]}
 */
export function chartsOf(part) {
    if (part.kind === 'comparison') {
        const bars = part.ways.map((way, index) => ({ name: way.name, ...ratesOf(way), isOurs: index === 0 }));
        return [chart(part.name, barPlot({ title: part.name, x: `${part.unit} a second`, bars }))];
    }
    return (part.plots ?? []).map(({ title, y, columns }) =>
        chart(
            title,
            linePlot({
                title,
                x: part.heading,
                y,
                logarithmic: true,
                logarithmicX: true,
                series: columns.map(name => ({ name, points: pointsOf(part, name) }))
            })
        )
    );
}

/**
 * @param {string} title
 * @param {string} svg
 */
function chart(title, svg) {
    const file = title
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^-|-$/g, '');
    return { file: `${file}.svg`, description: descriptionOf(svg), svg };
}

/**
 * @param {Table} result
 * @param {string} column
 * @returns {[number, number][]}
 */
function pointsOf({ columns, rows }, column) {
    const index = columns.findIndex(({ name }) => name === column);
    return rows.flatMap(({ name, cells }) => {
        const cell = cells[index] ?? null;
        const value = typeof cell === 'number' ? cell : cell === null ? NaN : spreadOf(cell).median;
        return Number.isNaN(value) ? [] : [/** @type {[number, number]} */ ([Number(name.replaceAll(',', '')), value])];
    });
}
