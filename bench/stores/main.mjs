// @ts-check
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { machineFacts } from '../shared/machine.mjs';
import { saveResults } from '../shared/results.mjs';
import { measureAgainstRaw } from './against-raw.mjs';
import { measureManyTokens } from './million-tokens.mjs';
import { toMarkdown } from './report.mjs';
import { measureSideBySide } from './side-by-side.mjs';

const USAGE = `npm run bench:stores -- [options]

  --quick  a few seconds, to see that everything works; the times mean nothing, nothing is saved
`;

const full = {
    againstRaw: { rounds: 15, windowMs: 400, warmUpMs: 2_000 },
    tokens: 1_000_000,
    sideBySide: { rounds: 5, windowMs: 500, warmUpMs: 500 }
};

const quick = {
    againstRaw: { rounds: 2, windowMs: 100, warmUpMs: 100 },
    tokens: 20_000,
    sideBySide: { rounds: 1, windowMs: 50, warmUpMs: 20 }
};

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
    const folder = await mkdtemp(join(tmpdir(), 'zero-bench-stores-'));
    try {
        const againstRaw = await measureAgainstRaw(folder, settings.againstRaw, say);
        const manyTokens = await measureManyTokens(folder, settings.tokens, say);
        const sideBySide = await measureSideBySide(folder, settings.sideBySide, say);
        const loadAfter = Number((loadavg()[0] ?? 0).toFixed(2));
        const report = { machine: { ...machine, loadAfter }, settings, againstRaw, manyTokens, sideBySide };
        const markdown = toMarkdown(report);
        process.stdout.write(`${markdown}\n`);
        if (!options.quick) {
            say(await saveResults('stores', report, markdown));
        }
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}
