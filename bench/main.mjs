// @ts-check
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { sections } from './sections.mjs';
import { loadNow, machineFacts } from './shared/machine.mjs';
import { Places } from './shared/places.mjs';
import { chartFile, chartsOf, sectionMarkdown } from './shared/report.mjs';
import { saveResults } from './shared/results.mjs';

/** @typedef {import('./shared/section.mjs').Section} Section */
/** @typedef {import('./shared/section.mjs').Context} Context */
/** @typedef {import('./shared/results.mjs').SectionResult} SectionResult */

const usual = sections.filter(({ isLong = false }) => !isLong);

const USAGE = `npm run bench -- [options]

Measures everything side by side, and saves it in bench/results. Node bench/page.mjs then puts it into docs/performance.md.

  --only <section>  may be given more than once: ${usual.map(({ name }) => name).join(', ')};
                    longer, and run only if asked for: ${sections.flatMap(({ name, isLong }) => (isLong ? name : [])).join(', ')}
  --rounds <n>      how many rounds each comparison has; nothing is saved
  --quick           seconds, to see that everything works; the times mean nothing, nothing is saved
  --json            prints what was measured as JSON instead of tables
`;

/** @param {string} line */
const say = line => process.stderr.write(`${line}\n`);

const { values: options } = parseArgs({
    options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
    }
});
const rounds = options.rounds === undefined ? undefined : Number(options.rounds);
const unknown = (options.only ?? []).filter(name => !sections.some(section => section.name === name));
if (options.help) {
    say(USAGE);
} else if (unknown.length > 0) {
    say(`There is no section ${unknown.join(', ')}.\n\n${USAGE}`);
    process.exitCode = 2;
} else if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    say(`--rounds ${options.rounds}: expected a number above zero.\n\n${USAGE}`);
    process.exitCode = 2;
} else {
    // Servers are ended when the process exits, which a signal alone would not let it do.
    process.once('SIGINT', () => process.exit(130));
    process.once('SIGTERM', () => process.exit(143));
    await run(
        sections.filter(({ name, isLong = false }) => options.only?.includes(name) ?? (!isLong || options.quick))
    );
}

/** @param {readonly Section[]} chosen */
async function run(chosen) {
    const folder = await mkdtemp(join(tmpdir(), 'zero-bench-'));
    const places = new Places();
    /** @type {Record<string, SectionResult>} */
    const results = {};
    try {
        for (const section of chosen) {
            const began = performance.now();
            const result = await measure(section, places, folder);
            say(`${section.title}: ${((performance.now() - began) / 1_000).toFixed(0)} s`);
            results[section.name] = result;
            await show(section, result);
        }
    } finally {
        await places.close();
        await rm(folder, { recursive: true, force: true });
    }
    if (options.json) {
        process.stdout.write(`${JSON.stringify(results)}\n`);
    }
}

/**
 * @param {Section} section
 * @param {Places} places
 * @param {string} folder
 * @returns {Promise<SectionResult>}
 */
async function measure({ name, settings: { full, quick }, measure: measureParts }, places, folder) {
    const base = options.quick ? quick : full;
    const settings = { ...base, rounds: rounds ?? base.rounds };
    const machine = machineFacts();
    /** @type {string[]} */
    const skipped = [];
    const skip = (/** @type {string} */ what) => {
        skipped.push(what);
        say(`${name}: not measured: ${what}`);
    };
    const parts = await measureParts(settings, { places, folder, skip, say: line => say(`${name}: ${line}`) });
    return { machine: { ...machine, loadAfter: loadNow() }, settings, skipped, parts };
}

/**
 * @param {Section} section
 * @param {SectionResult} result
 */
async function show(section, result) {
    const markdown = sectionMarkdown(section, result);
    if (!options.json) {
        process.stdout.write(`${markdown}\n`);
    }
    if (!options.quick && rounds === undefined) {
        const charts = result.parts.flatMap(chartsOf).map(({ name, svg }) => [chartFile(section.name, name), svg]);
        await saveResults(section.name, result, markdown, new Map(/** @type {[string, string][]} */ (charts)));
        say(`Saved in bench/results/${section.name}.json, .md and .svg.`);
    }
}
