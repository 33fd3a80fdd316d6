// @ts-check
/*
 * Looks for known vulnerabilities of what is installed: `node scripts/audit.mjs`. Ends with 0 when there are none of level
 * high or above, with 1 when there are some, and with 2 when the registry gave no answer: some mirrors have none, which is
 * no fault of a change.
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';

import { judge } from './audit/judge.mjs';

const EXIT_CODES = { clean: 0, vulnerable: 1, unknown: 2 };

const { stdout, stderr } = spawnSync('npm', ['audit', '--json'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32'
});
const { verdict, lines } = judge(stdout ?? '', stderr ?? '');
for (const line of lines) {
    console.log(line);
}
process.exitCode = EXIT_CODES[verdict];
