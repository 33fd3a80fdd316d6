import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('support/node-test.mjs', import.meta.url));

test('the suite runs under the test runner of Node, with the packages as they are built', async () => {
    // Another process of Node's runner must not take this one for its parent.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const args = ['--test', '--test-reporter=tap', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 64 * 1024 * 1024 });
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(200);
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(stdout).toContain('# Subtest: WatermarkService, advance');
});
