// @ts-check
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';

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

export const RESULTS = new URL('../results/', import.meta.url);

/**
 * Saves what a section gave, for programs and for people, and removes the charts of its run before.
 *
 * @param {string} section
 * @param {SectionResult} result
 * @param {string} markdown
 * @param {ReadonlyMap<string, string>} charts by file name
 */
export async function saveResults(section, result, markdown, charts) {
    await mkdir(RESULTS, { recursive: true });
    const old = (await readdir(RESULTS)).filter(name => name.startsWith(`${section}.`) && name.endsWith('.svg'));
    await Promise.all(old.map(name => rm(new URL(name, RESULTS))));
    await writeFile(new URL(`${section}.json`, RESULTS), `${JSON.stringify(result, undefined, 4)}\n`);
    await writeFile(new URL(`${section}.md`, RESULTS), markdown);
    for (const [name, svg] of charts) {
        await writeFile(new URL(name, RESULTS), svg);
    }
}

/**
 * @param {string} section
 * @returns {Promise<SectionResult | undefined>} `undefined`: none was saved
 */
export async function savedResults(section) {
    try {
        return JSON.parse(await readFile(new URL(`${section}.json`, RESULTS), 'utf8'));
    } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') {
            return undefined;
        }
        throw error;
    }
}
