// @ts-check

/**
 * A line of a plot: points in the order of x.
 *
 * @typedef {{ name: string, points: readonly (readonly [x: number, y: number])[] }} Series
 * @typedef {{ x: number, name: string }} Mark something that happened at a place on the x axis
 * @typedef {{ title: string, x: string, y: string, logarithmic?: boolean, logarithmicX?: boolean,
 *     series: readonly Series[], marks?: readonly Mark[] }} LinePlot
 */
/**
 * @typedef {{ name: string, median: number, lowest: number, highest: number, isOurs?: boolean }} Bar
 * @typedef {{ title: string, x: string, bars: readonly Bar[] }} BarPlot
 */

const WIDTH = 880;
/** Told apart by people who don't see all colours, on white and on black (after Okabe and Ito). */
const COLOURS = ['#0a84c6', '#d55e00', '#009e73', '#cc79a7', '#d99a00', '#56b4e9', '#9467bd', '#8c8c8c'];
const STYLE = `
text { fill: #24292f; font: 12px sans-serif }
.title { font-size: 15px }
.end { text-anchor: end }
.middle { text-anchor: middle }
.grid { stroke: #d0d7de }
.mark { stroke: #f2b8b5 }
.spread { stroke: #24292f; stroke-width: 1.5 }
.bar { fill: #9aa7b4 }
.ours { fill: ${COLOURS[0]} }
@media (prefers-color-scheme: dark) {
    text { fill: #d1d7e0 }
    .grid { stroke: #3d444d }
    .mark { stroke: #7d3a37 }
    .spread { stroke: #f0f6fc }
    .bar { fill: #656c76 }
}`;

/**
 * A plot of lines, as an SVG document that can be read on light and on dark ground.
 *
 * @param {LinePlot} plot `logarithmic`: of y; what is below the smallest tick is drawn there
 */
export function linePlot({ title, x, y, logarithmic = false, logarithmicX = false, series, marks = [] }) {
    const right = 50 + widest(series.map(({ name }) => name));
    const [left, top, bottom, height] = [76, 40, 50, 360];
    const points = series.flatMap(each => each.points);
    const xs = [...points.map(point => point[0]), ...marks.map(mark => mark.x)];
    const xTicks = logarithmicX ? decades(xs) : ticks(Math.max(...xs));
    const values = points.map(point => point[1]);
    const yTicks = logarithmic ? decades(values) : ticks(Math.max(...values));
    const toX = scale(xTicks, left, WIDTH - right, logarithmicX);
    const toY = scale(yTicks, height - bottom, top, logarithmic);
    const lines = series.map(({ name, points: line }) => `${name} ends at ${number(line.at(-1)?.[1] ?? NaN)}`);
    return document(height, title, `${y} over ${x}: ${lines.join('; ')}.`, [
        ...marks.map(
            mark =>
                `<path class="mark" d="M${toX(mark.x)} ${top}V${height - bottom}"><title>${escape(mark.name)}</title></path>`
        ),
        ...yTicks.flatMap(value => [
            `<path class="grid" d="M${left} ${toY(value)}H${WIDTH - right}"/>`,
            text(left - 8, toY(value) + 4, short(value), 'end')
        ]),
        ...xTicks.map(value => text(toX(value), height - bottom + 18, short(value), 'middle')),
        text((left + WIDTH - right) / 2, height - 12, x, 'middle'),
        `<g transform="rotate(-90 16 ${height / 2})">${text(16, height / 2, y, 'middle')}</g>`,
        ...series.flatMap(({ name, points: line }, index) => {
            const colour = COLOURS[index % COLOURS.length];
            const path = line.map(([px, py], at) => `${at === 0 ? 'M' : 'L'}${toX(px)} ${toY(py)}`).join('');
            const legendY = top + 12 + index * 18;
            return [
                `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
                `<path d="M${WIDTH - right + 12} ${legendY - 4}h18" stroke="${colour}" stroke-width="3"/>`,
                text(WIDTH - right + 36, legendY, name)
            ];
        })
    ]);
}

/**
 * A plot of bars, each with a line from its lowest to its highest value, as an SVG document like {@link linePlot}.
 *
 * @param {BarPlot} plot
 */
export function barPlot({ title, x, bars }) {
    const left = 30 + widest(bars.map(({ name }) => name));
    const [right, top, bottom, step] = [90, 40, 46, 26];
    const height = top + bars.length * step + bottom;
    const xTicks = ticks(Math.max(...bars.map(({ highest }) => highest)));
    const toX = scale(xTicks, left, WIDTH - right, false);
    const described = bars.map(({ name, median }) => `${name}: ${number(median)}`);
    return document(height, title, `${x}: ${described.join('; ')}.`, [
        ...xTicks.flatMap(value => [
            `<path class="grid" d="M${toX(value)} ${top}V${height - bottom}"/>`,
            text(toX(value), height - bottom + 18, short(value), 'middle')
        ]),
        text((left + WIDTH - right) / 2, height - 8, x, 'middle'),
        ...bars.flatMap(({ name, median, lowest, highest, isOurs = false }, index) => {
            const y = top + index * step;
            const middle = y + step / 2;
            const width = Math.max(1, toX(median) - left);
            return [
                text(left - 8, middle + 4, name, 'end'),
                `<rect class="${isOurs ? 'ours' : 'bar'}" x="${left}" y="${y + 4}" width="${width}" height="${step - 8}"/>`,
                `<path class="spread" d="M${toX(lowest)} ${middle}H${toX(highest)}"/>`,
                text(toX(highest) + 6, middle + 4, number(median))
            ];
        })
    ]);
}

/**
 * What a plot says to those who can't see it.
 *
 * @param {string} svg a plot of this file
 */
export function descriptionOf(svg) {
    const [, title = '', description = ''] = /<title>(.*?)<\/title>\n<desc>(.*?)<\/desc>/.exec(svg) ?? [];
    return `${title}. ${description}`;
}

/**
 * @param {number} height
 * @param {string} title
 * @param {string} description for those who can't see it
 * @param {readonly string[]} content
 */
function document(height, title, description, content) {
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
        `<title>${escape(title)}</title>`,
        `<desc>${escape(description)}</desc>`,
        `<style>${STYLE}</style>`,
        text(16, 22, title, 'title'),
        ...content,
        '</svg>',
        ''
    ].join('\n');
}

/**
 * About how wide the longest of some texts is.
 *
 * @param {readonly string[]} texts
 */
function widest(texts) {
    return 6.6 * Math.max(...texts.map(({ length }) => length));
}

/**
 * Round numbers from zero to above the highest value.
 *
 * @param {number} highest
 */
function ticks(highest) {
    const rough = Math.max(highest, 1e-9) / 6;
    const decade = 10 ** Math.floor(Math.log10(rough));
    const step = decade * ([1, 2, 5, 10].find(factor => factor * decade >= rough) ?? 10);
    return Array.from({ length: Math.ceil(Math.max(highest, 1e-9) / step) + 1 }, (_, index) => index * step);
}

/** @param {readonly number[]} values */
function decades(values) {
    const positive = values.filter(value => value > 0);
    const first = Math.floor(Math.log10(Math.min(...positive)));
    const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...positive))));
    return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/**
 * @param {readonly number[]} range whose first and last value become `from` and `to`
 * @param {number} from
 * @param {number} to
 * @param {boolean} logarithmic
 * @returns {(value: number) => number}
 */
function scale(range, from, to, logarithmic) {
    const measure = logarithmic ? Math.log10 : (/** @type {number} */ value) => value;
    const [lowest, highest] = [range[0] ?? 0, range.at(-1) ?? 1];
    const [first, last] = [measure(lowest), measure(highest)];
    return value => {
        const share = (measure(Math.max(lowest, value)) - first) / (last - first);
        return Math.round((from + share * (to - from)) * 10) / 10;
    };
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {string} [kind]
 */
function text(x, y, content, kind) {
    return `<text x="${x}" y="${y}"${kind === undefined ? '' : ` class="${kind}"`}>${escape(content)}</text>`;
}

/** @param {number} value */
function number(value) {
    return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 6 });
}

/**
 * For the axes.
 *
 * @param {number} value
 */
function short(value) {
    return Number(value.toPrecision(6)).toLocaleString('en', { notation: 'compact', maximumFractionDigits: 6 });
}

/** @param {string} content */
function escape(content) {
    return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
