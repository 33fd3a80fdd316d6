import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Scene } from './scene.js';

const SETUP = `
import { ZeroWatermarkNatsKvModule } from '@cbnsndwch/zero-watermark-nats-kv';
globalThis.ZeroWatermarkNatsKvModule = ZeroWatermarkNatsKvModule;
`;

/**
 * Runs a block that is itself a test file, with vitest's globals, in a run of its own.
 *
 * @returns the names of the tests that passed
 * @throws {Error} with vitest's output when a test fails, or when there is none
 */
export async function runInVitest(scene: Scene): Promise<string[]> {
    const file = scene.write(`${scene.bucket}.test.js`, scene.script());
    const setupFiles = [scene.write('vitest-setup.js', SETUP)];
    const settings = { globals: true, include: [file], setupFiles, pool: 'forks', testTimeout: 60_000 };
    const config = scene.write(`${scene.bucket}.config.js`, `export default ${JSON.stringify({ test: settings })};`);
    const vitest = join(dirname(fileURLToPath(import.meta.resolve('vitest/package.json'))), 'vitest.mjs');
    const folder = dirname(file);
    const stdout = await new Promise<string>((done, failed) => {
        const args = [vitest, 'run', '--root', folder, '--config', config, '--reporter', 'json'];
        const { VITEST: _, ...env } = process.env;
        execFile(process.execPath, args, { cwd: folder, timeout: 90_000, env }, (error, out, err) => {
            if (error === null) {
                done(out);
            } else {
                failed(new Error(`vitest failed:\n${out}\n${err}`, { cause: error }));
            }
        });
    });
    const report = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
        readonly testResults: readonly { readonly assertionResults: readonly { status: string; fullName: string }[] }[];
    };
    const results = report.testResults.flatMap(result => result.assertionResults);
    return results.filter(result => result.status === 'passed').map(result => result.fullName);
}
