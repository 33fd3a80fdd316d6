// @ts-check

/**
 * A line of a plot: points in the order of x.
 *
 * @typedef {{ name: string, points: readonly (readonly [x: number, y: number])[] }} Series
 * @typedef {{ title: string, x: string, y: string, logarithmic?: boolean, series: readonly Series[], marks?: readonly Mark[] }} Plot
 * @typedef {{ x: number, name: string }} Mark something that happened at a place on the x axis
 */

const WIDTH = 880;
const HEIGHT = 360;
const LEFT = 70;
const RIGHT = 150;
const TOP = 40;
const BOTTOM = 50;
/** Told apart by people who don't see all colours (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#999999'];

/**
 * A plot of lines, as an SVG document.
 *
 * @param {Plot} plot `logarithmic`: of y; what is below the smallest tick is drawn there
 */
export function linePlot({ title, x, y, logarithmic = false, series, marks = [] }) {
    const points = series.flatMap(each => each.points);
    const xTicks = ticks(0, Math.max(1e-9, ...points.map(point => point[0]), ...marks.map(mark => mark.x)));
    const values = points.map(point => point[1]);
    const yTicks = logarithmic ? decades(values) : ticks(0, Math.max(1e-9, ...values));
    const toX = scale(xTicks, LEFT, WIDTH - RIGHT, value => value);
    const toY = scale(yTicks, HEIGHT - BOTTOM, TOP, logarithmic ? value => Math.log10(value) : value => value);
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
        `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
        text(LEFT, 22, title, 'font-size="15"'),
        ...marks.map(
            mark =>
                `<path d="M${toX(mark.x)} ${TOP}V${HEIGHT - BOTTOM}" stroke="#f2d0d0"><title>${escape(mark.name)}</title></path>`
        ),
        ...yTicks.flatMap(value => [
            `<path d="M${LEFT} ${toY(value)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
            text(LEFT - 8, toY(value) + 4, number(value), 'text-anchor="end"')
        ]),
        ...xTicks.map(value => text(toX(value), HEIGHT - BOTTOM + 18, number(value), 'text-anchor="middle"')),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x, 'text-anchor="middle"'),
        text(16, HEIGHT / 2, y, `text-anchor="middle" transform="rotate(-90 16 ${HEIGHT / 2})"`),
        ...series.flatMap(({ name, points: line }, index) => {
            const colour = COLOURS[index % COLOURS.length] ?? 'black';
            const path = line.map(([px, py], at) => `${at === 0 ? 'M' : 'L'}${toX(px)} ${toY(py)}`).join('');
            const legendY = TOP + 12 + index * 18;
            return [
                `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
                `<path d="M${WIDTH - RIGHT + 12} ${legendY - 4}h18" stroke="${colour}" stroke-width="3"/>`,
                text(WIDTH - RIGHT + 36, legendY, name)
            ];
        }),
        '</svg>',
        ''
    ].join('\n');
}

/**
 * Round numbers from below the lowest to above the highest value.
 *
 * @param {number} lowest
 * @param {number} highest
 */
function ticks(lowest, highest) {
    const rough = (highest - lowest) / 6;
    const decade = 10 ** Math.floor(Math.log10(rough));
    const step = decade * ([1, 2, 5, 10].find(factor => factor * decade >= rough) ?? 10);
    const count = Math.ceil((highest - lowest) / step);
    return Array.from({ length: count + 1 }, (_, index) => lowest + index * step);
}

/** @param {readonly number[]} values */
function decades(values) {
    const positive = values.filter(value => value > 0);
    const first = Math.floor(Math.log10(Math.min(1, ...positive)));
    const last = Math.ceil(Math.log10(Math.max(10, ...positive)));
    return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/**
 * @param {readonly number[]} range whose first and last value become `from` and `to`
 * @param {number} from
 * @param {number} to
 * @param {(value: number) => number} measure
 * @returns {(value: number) => number}
 */
function scale(range, from, to, measure) {
    const [lowest, highest] = [range[0] ?? 0, range.at(-1) ?? 1];
    const [first, last] = [measure(lowest), measure(highest)];
    return value =>
        Math.round((from + ((measure(Math.max(lowest, value)) - first) / (last - first)) * (to - from)) * 10) / 10;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {string} [attributes]
 */
function text(x, y, content, attributes = '') {
    return `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`;
}

/** @param {number} value */
function number(value) {
    return Number(value.toPrecision(6)).toLocaleString('en', { maximumFractionDigits: 6 });
}

/** @param {string} content */
function escape(content) {
    return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
