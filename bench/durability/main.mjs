// @ts-check
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { machineFacts } from '../shared/machine.mjs';
import { saveResults } from '../shared/results.mjs';
import { countFlushes } from './flushes.mjs';
import { measureCost } from './cost.mjs';
import { toMarkdown } from './report.mjs';

const USAGE = `npm run bench:durability -- [options]

  --quick  a few seconds, to see that everything works; the times mean nothing, nothing is saved
`;

const full = { rounds: 7, windowMs: 1_000, warmUpMs: 1_000 };
const quick = { rounds: 1, windowMs: 50, warmUpMs: 50 };

/** @param {string} line */
const say = line => process.stderr.write(`${line}\n`);

const { values: options } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } }
});
if (options.help) {
    say(USAGE);
} else {
    await run(options.quick ? quick : full);
}

/** @param {typeof full} settings */
async function run(settings) {
    const machine = machineFacts();
    const flushes = await countFlushes(say);
    const cost = await measureCost(settings, say);
    const loadAfter = Number((loadavg()[0] ?? 0).toFixed(2));
    const report = { machine: { ...machine, loadAfter }, settings, flushes, cost };
    const markdown = toMarkdown(report);
    process.stdout.write(`${markdown}\n`);
    if (!options.quick) {
        say(await saveResults('durability', report, markdown));
    }
}
