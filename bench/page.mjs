// @ts-check
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';

import { measureLines, measures } from './measures.mjs';
import { formatted } from './shared/formatted.mjs';
import { machineSentence } from './shared/machine.mjs';
import { chartsOf, partLines } from './shared/report.mjs';
import { filesIn, savedSections } from './shared/results.mjs';

/** @typedef {import('./shared/results.mjs').SectionResult} SectionResult */
/** @typedef {ReadonlyMap<string, SectionResult>} Run results by section */
/** @typedef {{ markdown: string, charts: Map<string, string> }} Page charts: by file name */

const PAGE = new URL('../docs/performance.md', import.meta.url);
const CHARTS = new URL('../docs/performance/', import.meta.url);

/** Between such lines stands what was measured; the words around them are written by hand. */
const PLACE = /<!-- bench: (.+?) -->\n[^]*?<!-- \/bench -->/g;

/** Puts what was measured last into docs/performance.md, with its charts. */
export async function writePage() {
    const { markdown, charts } = await pageNow();
    await rm(CHARTS, { recursive: true, force: true });
    await mkdir(CHARTS, { recursive: true });
    for (const [name, svg] of charts) {
        await writeFile(new URL(name, CHARTS), svg);
    }
    await writeFile(PAGE, markdown);
}

/** @returns {Promise<Page>} the page as it is */
export async function readPage() {
    const names = await filesIn(CHARTS);
    const charts = await Promise.all(
        names.map(async name => /** @type {const} */ ([name, await readFile(new URL(name, CHARTS), 'utf8')]))
    );
    return { markdown: await readFile(PAGE, 'utf8'), charts: new Map(charts) };
}

/** @returns {Promise<Page>} the page as it ought to be */
export async function pageNow() {
    const run = await savedSections('');
    const other = await savedSections('node-24/');
    /** @type {Map<string, string>} */
    const charts = new Map();
    const markdown = (await readFile(PAGE, 'utf8')).replaceAll(PLACE, (_, /** @type {string} */ what) =>
        [`<!-- bench: ${what} -->`, '', ...linesOf(what, run, other, charts), '', '<!-- /bench -->'].join('\n')
    );
    return { markdown: await formatted(markdown, 'markdown'), charts };
}

/**
 * @param {string} what `measures`, `machine`, or a section and what one of its parts begins with: `set: set, one hot key`
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
