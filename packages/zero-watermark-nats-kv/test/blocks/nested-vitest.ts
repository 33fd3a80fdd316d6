import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

import { root } from './documents.js';
import type { BlockProject } from './project.js';

const SETUP = `
import * as host from '../group-0/out/host.js';
globalThis.ZeroWatermarkNatsKvModule = host.api.ZeroWatermarkNatsKvModule;
`;

/**
 * Runs a script that is itself a test file, with vitest's globals, in a run of its own.
 *
 * @returns the names of the tests that passed
 * @throws {Error} with vitest's output when a test fails, or when there is none
 */
export async function runInVitest(project: BlockProject, name: string, script: string): Promise<string[]> {
    const file = project.write(`${name}.test.mjs`, script);
    const setup = project.write('vitest-setup.mjs', SETUP);
    const config = project.write(
        'vitest.config.mjs',
        `export default ${JSON.stringify({
            test: { globals: true, include: [file], setupFiles: [setup], pool: 'forks', testTimeout: 60_000 }
        })};`
    );
    const vitest = resolve(root, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--root', project.folder, '--config', config, '--reporter', 'json'];
    const stdout = await new Promise<string>((done, failed) => {
        execFile(process.execPath, args, { cwd: project.folder, timeout: 90_000 }, (error, out, err) => {
            if (error === null) {
                done(out);
            } else {
                failed(new Error(`vitest failed:\n${out}\n${err}`, { cause: error }));
            }
        });
    });
    const report = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
        testResults: { assertionResults: { status: string; fullName: string }[] }[];
    };
    const results = report.testResults.flatMap(result => result.assertionResults);
    return results.filter(result => result.status === 'passed').map(result => result.fullName);
}
