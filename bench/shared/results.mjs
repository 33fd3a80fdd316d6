// @ts-check
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';

import { formatted } from './formatted.mjs';

/** @typedef {import('./rounds.mjs').WayResult} WayResult */
/** @typedef {import('./machine.mjs').MachineFacts} MachineFacts */
/**
 * Ways that were run in turn. `unit`: what one operation is, in the plural. `reference`: the way that the others are
 * compared with; without it, the last one.
 *
 * @typedef {{ kind: 'comparison', name: string, text?: string, unit: string, reference?: string, ways: WayResult[] }} Comparison
 */
/**
 * Figures that are no rates. A cell is one value, or one a round. `plot`: the rows are drawn over the number that each
 * has as its name.
 *
 * @typedef {readonly number[] | number | null} Cell
 * @typedef {{ name: string, digits: number }} Column
 * @typedef {{ name: string, cells: Cell[] }} Row
 * @typedef {{ kind: 'table', name: string, text?: string, heading: string, columns: Column[], rows: Row[],
 *     plots?: Plot[] }} Table
 * @typedef {{ title: string, y: string, columns: string[] }} Plot
 */
/**
 * What a section of the measurements gave: what was asked for and could not be measured is in `skipped`, with the reason.
 *
 * @typedef {Comparison | Table} Part
 * @typedef {{ machine: MachineFacts, settings: object, skipped: string[], parts: Part[] }} SectionResult
 */

const RESULTS = new URL('../results/', import.meta.url);

/**
 * Saves what a section gave, for programs and for people.
 *
 * @param {string} folder of the results, with a slash at its end; empty: not one of its own
 * @param {string} section
 * @param {SectionResult} result
 * @param {string} markdown
 */
export async function saveResults(folder, section, result, markdown) {
    await mkdir(new URL(folder, RESULTS), { recursive: true });
    await writeFile(fileOf(folder, `${section}.json`), await formatted(JSON.stringify(result), 'json'));
    await writeFile(fileOf(folder, `${section}.md`), await formatted(markdown, 'markdown'));
}

/**
 * What was saved last.
 *
 * @param {string} folder of the results
 * @returns {Promise<Map<string, SectionResult>>} by section
 */
export async function savedSections(folder) {
    /** @type {Map<string, SectionResult>} */
    const saved = new Map();
    for (const name of await filesIn(new URL(folder, RESULTS))) {
        if (name.endsWith('.json')) {
            saved.set(name.slice(0, -'.json'.length), JSON.parse(await readFile(fileOf(folder, name), 'utf8')));
        }
    }
    return saved;
}

/**
 * The names of the files in a folder, in their order.
 *
 * @param {URL} folder may not be there
 */
export async function filesIn(folder) {
    try {
        return (await readdir(folder)).toSorted();
    } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') {
            return [];
        }
        throw error;
    }
}

/**
 * @param {string} folder
 * @param {string} name
 */
function fileOf(folder, name) {
    return new URL(`${folder}${name}`, RESULTS);
}
