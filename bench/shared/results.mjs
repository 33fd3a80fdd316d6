// @ts-check
import { mkdir, writeFile } from 'node:fs/promises';

const results = new URL('../results/', import.meta.url);

/**
 * Saves what was measured, for programs and for people.
 *
 * @param {string} name
 * @param {object} report
 * @param {string} markdown
 * @returns where, in a sentence
 */
export async function saveResults(name, report, markdown) {
    await mkdir(results, { recursive: true });
    await writeFile(new URL(`${name}.json`, results), `${JSON.stringify(report, undefined, 4)}\n`);
    await writeFile(new URL(`${name}.md`, results), markdown);
    return `Saved in bench/results/${name}.json and ${name}.md.`;
}
