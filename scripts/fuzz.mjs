// @ts-check
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/*
 * The tests against hostile input in their long form: `npm run test:fuzz -- --cases N --seed S`. Whatever follows is for
 * vitest: `-t NAME` runs the tests of this name alone, and `--path P` (with the seed) the one case that a failure names.
 */

const { values, positionals } = parseArgs({
    options: {
        cases: { type: 'string' },
        seed: { type: 'string' },
        path: { type: 'string' },
        t: { type: 'string', short: 't' }
    },
    allowPositionals: true
});
const cases = Number(values.cases ?? 100_000);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) {
    process.stderr.write('Usage: npm run test:fuzz -- [--cases N] [--seed S] [--path P] [-t NAME] [FILE…]\n');
    process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
const log = join(folder, 'cases.jsonl');
process.stdout.write(`seed ${seed}, ${cases} cases a property\n`);
const name = values.t === undefined ? [] : ['-t', values.t];
const files = positionals.length === 0 ? ['/hostile/'] : positionals;
const vitest = spawn('npx', ['vitest', 'run', '--testTimeout', '3600000', ...name, ...files], {
    stdio: 'inherit',
    env: {
        ...process.env,
        FUZZ_CASES: String(cases),
        FUZZ_SEED: String(seed),
        FUZZ_LOG: log,
        ...(values.path === undefined ? {} : { FUZZ_PATH: values.path })
    }
});
vitest.on('exit', code => {
    report();
    rmSync(folder, { recursive: true });
    process.exitCode = code ?? 1;
});

function report() {
    const lines = readFileSync(log, { encoding: 'utf8', flag: 'a+' }).trim().split('\n').filter(Boolean);
    /** @type {{ test: string, cases: number }[]} */
    const properties = lines.map(line => JSON.parse(line));
    const total = properties.reduce((sum, property) => sum + property.cases, 0);
    for (const { test, cases: count } of properties) {
        process.stdout.write(`${String(count).padStart(9)}  ${test}\n`);
    }
    process.stdout.write(`${String(total).padStart(9)}  cases in ${properties.length} properties, seed ${seed}\n`);
}
