// @ts-check

/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/results.mjs').Table} Table */

/**
 * What a straight line through the two lines before the last of some tables says of the last one, which shows how good it is,
 * and of twice and ten times as many, which nobody has measured.
 *
 * @param {string} name
 * @param {readonly Table[]} tables with the same rows
 * @param {readonly string[]} columns of any of them
 * @returns {Part[]} none where there are too few lines
 */
export function extrapolate(name, tables, columns) {
    const [counts] = tables.map(({ rows }) => rows.slice(-3).map(row => Number(row.name.replaceAll(',', ''))));
    const [first, second, last] = counts ?? [];
    if (first === undefined || second === undefined || last === undefined) {
        return [];
    }
    const rows = columns.map(column => {
        const [atFirst = NaN, atSecond = NaN, atLast = NaN] = valuesOf(tables, column).slice(-3);
        const slope = (atSecond - atFirst) / (second - first);
        const at = (/** @type {number} */ count) => atSecond + slope * (count - second);
        return { name: column, cells: [at(last), atLast, at(2 * last), at(10 * last)] };
    });
    const shown = (/** @type {number} */ count) => count.toLocaleString('en');
    return [
        {
            kind: 'table',
            name,
            text: `A straight line through what was measured with ${shown(first)} and ${shown(second)}.`,
            heading: '',
            columns: [
                `said for ${shown(last)}`,
                `measured with ${shown(last)}`,
                `said for ${shown(2 * last)}`,
                `said for ${shown(10 * last)}`
            ].map(column => ({ name: column, digits: 0 })),
            rows
        }
    ];
}

/**
 * @param {readonly Table[]} tables
 * @param {string} column
 */
function valuesOf(tables, column) {
    for (const { columns, rows } of tables) {
        const index = columns.findIndex(each => each.name === column);
        if (index !== -1) {
            return rows.map(({ cells }) => Number(cells[index]));
        }
    }
    throw new RangeError(`There is no column ${column}.`);
}
