// @ts-check
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { measureLines, measures } from './measures.mjs';
import { PAGES, writePages } from './page.mjs';
import { sections } from './sections.mjs';
import { loadNow, machineFacts } from './shared/machine.mjs';
import { Places } from './shared/places.mjs';
import { sectionMarkdown } from './shared/report.mjs';
import { saveResults } from './shared/results.mjs';

/** @typedef {import('./shared/section.mjs').Section} Section */
/** @typedef {import('./shared/section.mjs').Context} Context */
/** @typedef {import('./shared/results.mjs').SectionResult} SectionResult */

const usual = sections.filter(({ isLong = false }) => !isLong);

const USAGE = `npm run bench -- [options]

Measures everything side by side, saves it in bench/results, and puts it into the pages of docs/ that ask for it.

  --only <section>   may be given more than once: ${usual.map(({ name }) => name).join(', ')};
                     longer, and run only if asked for: ${sections.flatMap(({ name, isLong }) => (isLong ? name : [])).join(', ')}
  --rounds <n>       how many rounds each comparison has; nothing is saved
  --quick            a moment for each section, to see that it works; the times mean nothing, nothing is saved
  --json <file>      writes what was measured to that file too
  --folder <name>    saves in that folder of bench/results; those of node-24 are told beside the others
  --page             measures nothing: puts what was saved last into these pages
`;

/** @param {string} line */
const say = line => process.stderr.write(`${line}\n`);

const { values: options } = parseArgs({
    options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        folder: { type: 'string' },
        page: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
    }
});
const rounds = options.rounds === undefined ? undefined : Number(options.rounds);
const isSaved = !options.quick && rounds === undefined;
const folder = options.folder === undefined ? '' : `${options.folder}/`;
const unknown = (options.only ?? []).filter(name => !sections.some(section => section.name === name));
if (options.help) {
    say(USAGE);
} else if (unknown.length > 0) {
    say(`There is no section ${unknown.join(', ')}.\n\n${USAGE}`);
    process.exitCode = 2;
} else if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    say(`--rounds ${options.rounds}: expected a number above zero.\n\n${USAGE}`);
    process.exitCode = 2;
} else if (options.page) {
    await writePages();
} else {
    // What was started and made is ended and removed when the process exits, which a signal alone would not let it do.
    process.once('SIGINT', () => process.exit(130));
    process.once('SIGTERM', () => process.exit(143));
    await run(
        sections.filter(({ name, isLong = false }) => options.only?.includes(name) ?? (!isLong || options.quick))
    );
}

/** @param {readonly Section[]} chosen */
async function run(chosen) {
    const scratch = await mkdtemp(join(tmpdir(), 'zero-bench-'));
    const removeScratch = () => rmSync(scratch, { recursive: true, force: true });
    process.once('exit', removeScratch);
    const places = new Places();
    /** @type {Record<string, SectionResult>} */
    const results = {};
    try {
        for (const section of chosen) {
            const began = performance.now();
            const result = await measure(section, places, scratch);
            say(`${section.title}: ${((performance.now() - began) / 1_000).toFixed(0)} s`);
            results[section.name] = result;
            await show(section, result);
        }
    } finally {
        await places.close();
        removeScratch();
    }
    process.stdout.write(`${reachedLines(results)}\n`);
    if (options.json !== undefined) {
        await writeFile(options.json, JSON.stringify(results));
    }
    if (isSaved) {
        await writePages();
        say(`In docs/, ${PAGES.join(', ')} have the new figures.`);
    }
}

/**
 * What these sections set out to reach.
 *
 * @param {Record<string, SectionResult>} results
 */
function reachedLines(results) {
    const theirs = measures.filter(({ section }) => section in results);
    return measureLines(theirs, new Map([['measured', new Map(Object.entries(results))]])).join('\n');
}

/**
 * @param {Section} section
 * @param {Places} places
 * @param {string} scratch
 * @returns {Promise<SectionResult>}
 */
async function measure({ name, settings: { full, quick }, measure: measureParts }, places, scratch) {
    const base = options.quick ? quick : full;
    const settings = { ...base, rounds: rounds ?? base.rounds };
    const machine = machineFacts();
    /** @type {string[]} */
    const skipped = [];
    const skip = (/** @type {string} */ what) => {
        skipped.push(what);
        say(`${name}: not measured: ${what}`);
    };
    const parts = await measureParts(settings, { places, folder: scratch, skip, say: line => say(`${name}: ${line}`) });
    return { machine: { ...machine, loadAfter: loadNow() }, settings, skipped, parts };
}

/**
 * @param {Section} section
 * @param {SectionResult} result
 */
async function show(section, result) {
    const markdown = sectionMarkdown(section, result);
    process.stdout.write(`${markdown}\n`);
    if (isSaved) {
        await saveResults(folder, section.name, result, markdown);
        say(`Saved in bench/results/${folder}${section.name}.json and .md.`);
    }
}
