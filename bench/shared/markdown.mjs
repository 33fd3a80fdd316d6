// @ts-check

/** @typedef {import('./spread.mjs').Spread} Spread */

/**
 * The lines of a table, whose first column is text and whose others are numbers.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function table(head, rows) {
    const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map(row => row[column]?.length ?? 0)));
    /** @param {readonly string[]} cells */
    const line = cells =>
        `| ${widths.map((width, column) => pad(cells[column] ?? '', width, column > 0)).join(' | ')} |`;
    const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
    return [line(head), line(rule), ...rows.map(line)];
}

/**
 * @param {string} cell
 * @param {number} width
 * @param {boolean} isNumber
 */
function pad(cell, width, isNumber) {
    return isNumber ? cell.padStart(width) : cell.padEnd(width);
}

/**
 * A median with the lowest and the highest value, if there are several.
 *
 * @param {Spread} values
 * @param {number} digits
 */
export function spread({ median, lowest, highest }, digits) {
    if (lowest === highest) {
        return decimal(median, digits);
    }
    return `${decimal(median, digits)} (${decimal(lowest, digits)} to ${decimal(highest, digits)})`;
}

/**
 * @param {number} value
 * @param {number} digits
 */
export function decimal(value, digits) {
    return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
