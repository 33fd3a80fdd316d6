// @ts-check
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';

import { behindLines } from './behind.mjs';
import { measureLines, measures } from './measures.mjs';
import { formatted } from './shared/formatted.mjs';
import { machineSentence } from './shared/machine.mjs';
import { chartsOf, partLines } from './shared/report.mjs';
import { filesIn, savedSections } from './shared/results.mjs';

/** @typedef {import('./shared/results.mjs').SectionResult} SectionResult */
/** @typedef {ReadonlyMap<string, SectionResult>} Run results by section */
/** @typedef {{ markdown: Map<string, string>, charts: Map<string, string> }} Pages both by file name */

const DOCS = new URL('../docs/', import.meta.url);

/** The pages of docs/ that have figures. */
export const PAGES = ['performance.md', 'scaling.md', 'choosing-a-store.md', 'reliability.md'];

const CHARTS = new URL('../docs/performance/', import.meta.url);

/** Between such lines stands what was measured; the words around them are written by hand. */
const PLACE = /<!-- bench: (.+?) -->\n[^]*?<!-- \/bench -->/g;

/** Puts what was measured last into the pages, with its charts. */
export async function writePages() {
    const { markdown, charts } = await pagesNow();
    await rm(CHARTS, { recursive: true, force: true });
    await mkdir(CHARTS, { recursive: true });
    for (const [name, svg] of charts) {
        await writeFile(new URL(name, CHARTS), svg);
    }
    for (const [name, text] of markdown) {
        await writeFile(new URL(name, DOCS), text);
    }
}

/** @returns {Promise<Pages>} the pages as they are */
export async function readPages() {
    return { markdown: await textsOf(DOCS, PAGES), charts: await textsOf(CHARTS, await filesIn(CHARTS)) };
}

/**
 * @param {URL} folder
 * @param {readonly string[]} names
 */
async function textsOf(folder, names) {
    const texts = names.map(async name => /** @type {const} */ ([name, await readFile(new URL(name, folder), 'utf8')]));
    return new Map(await Promise.all(texts));
}

/** @returns {Promise<Pages>} the pages as they ought to be */
export async function pagesNow() {
    const run = await savedSections('');
    const other = await savedSections('node-24/');
    /** @type {Map<string, string>} */
    const charts = new Map();
    /** @type {Map<string, string>} */
    const markdown = new Map();
    for (const [name, text] of await textsOf(DOCS, PAGES)) {
        const filled = text.replaceAll(PLACE, (_, /** @type {string} */ what) =>
            [`<!-- bench: ${what} -->`, '', ...linesOf(what, run, other, charts), '', '<!-- /bench -->'].join('\n')
        );
        markdown.set(name, await formatted(filled, 'markdown'));
    }
    return { markdown, charts };
}

/**
 * @param {string} what `measures`, `behind`, `machine`, or a section and what one of its parts begins with: `set: set, one hot key`; or
 *     `set: machine`, on which that section was measured
 * @param {Run} run
 * @param {Run} other on another version of Node
 * @param {Map<string, string>} charts takes those that are shown
 * @returns {string[]}
 */
function linesOf(what, run, other, charts) {
    if (what === 'measures') {
        const runs = [run, other]
            .filter(({ size }) => size > 0)
            .map(each => /** @type {const} */ ([nodeOf(each), each]));
        return measureLines(measures, new Map(runs));
    }
    if (what === 'behind') {
        return behindLines(run);
    }
    if (what === 'machine') {
        const [first] = run.values();
        return first === undefined ? ['Nothing has been measured yet.'] : [machineSentence(first.machine)];
    }
    const [section = '', ...rest] = what.split(': ');
    const wanted = rest.join(': ');
    const result = run.get(section);
    if (result === undefined) {
        return [`Not measured yet: \`npm run bench -- --only ${section}\`.`];
    }
    if (wanted === 'machine') {
        return [machineSentence(result.machine)];
    }
    const part = result.parts.find(({ name }) => name.startsWith(wanted));
    if (part === undefined) {
        return [`Not measured here: ${wanted}. ${result.skipped.join('; ')}`];
    }
    const images = chartsOf(part).map(({ file, svg, description }) => {
        charts.set(`${section}.${file}`, svg);
        return `![${description.replaceAll(/[[\]]/g, '')}](performance/${section}.${file})`;
    });
    return [`**${part.name}**`, '', ...images.flatMap(image => [image, '']), ...partLines(part)];
}

/** @param {Run} run */
function nodeOf(run) {
    const [first] = run.values();
    return `Node ${first?.machine.node}`;
}
