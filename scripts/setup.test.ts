import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { isProcessAlive } from './setup/lock.mjs';
import { fakeServer, temporaryFolder } from './setup/testing.js';

describe('node scripts/setup.mjs', () => {
    /** A working copy whose dependencies are installed, with the real scripts. */
    function workingCopy() {
        const root = temporaryFolder();
        const here = dirname(fileURLToPath(import.meta.url));
        cpSync(join(here, 'setup.mjs'), join(root, 'scripts/setup.mjs'));
        cpSync(join(here, 'setup'), join(root, 'scripts/setup'), { recursive: true });
        mkdirSync(join(root, 'node_modules'));
        writeFileSync(join(root, 'package.json'), '{}');
        writeFileSync(join(root, 'package-lock.json'), '{"lockfileVersion":3,"packages":{"":{}}}');
        writeFileSync(join(root, 'node_modules/.package-lock.json'), '{"lockfileVersion":3,"packages":{}}');
        return root;
    }

    function start(root: string, args: string[], env: NodeJS.ProcessEnv = {}) {
        const options = { env: { PATH: process.env['PATH'], ...env } };
        const child = spawn(process.execPath, [join(root, 'scripts/setup.mjs'), ...args], options);
        const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
            ([stdout, stderr, [code]]) => ({ stdout, stderr, code: code as number })
        );
        return { child, ended };
    }

    test('is silent and quick when everything is there', async () => {
        const root = workingCopy();
        const NATS_SERVER_BIN = fakeServer(join(root, 'mine'), '2.10.27');
        const tookMs = [];
        // The best of three: another test may take the processor for a moment.
        for (let i = 0; i < 3; i++) {
            const began = performance.now();
            const result = await start(root, ['--nats', 'all'], { NATS_SERVER_BIN }).ended;
            tookMs.push(performance.now() - began);
            expect(result).toEqual({ stdout: '', stderr: '', code: 0 });
        }
        expect(Math.min(...tookMs)).toBeLessThan(1000);
        expect(JSON.parse(readFileSync(join(root, '.cache/nats-servers.json'), 'utf8'))).toEqual({
            newest: { path: 'mine', version: '2.10.27' },
            oldest: { path: 'mine', version: '2.10.27' }
        });
    });

    test('says what is wrong in one message, without a stack', async () => {
        const root = workingCopy();
        const wrong = await start(root, ['--nats', 'latest']).ended;
        expect(wrong).toMatchObject({ code: 1, stdout: '' });
        expect(wrong.stderr).toContain('--nats latest: expected newest, oldest, all or none');
        writeFileSync(join(root, '.cache'), 'a file where the folder should be');
        rmSync(join(root, 'node_modules'), { recursive: true });
        const blocked = await start(root, ['--nats', 'none']).ended;
        expect(blocked.code).toBe(1);
        expect(blocked.stderr).toContain('it failed on .cache (EEXIST)');
        expect(wrong.stderr + blocked.stderr).not.toMatch(/^\s+at /m);
    });

    /** Stands for npm: leaves its arguments and selection, then waits to be ended or ends by itself. */
    function fakeNpm(root: string, end: string) {
        const path = join(root, 'npm-cli.js');
        writeFileSync(
            path,
            `const fs = require('node:fs');
            fs.appendFileSync('npm.log', JSON.stringify([process.argv.slice(2), process.env.npm_config_omit]) + '\\n');
            fs.mkdirSync('node_modules', { recursive: true });
            ${end}`
        );
        return { npm_execpath: path, npm_config_omit: 'dev' };
    }
    const finish = `fs.writeFileSync('node_modules/.package-lock.json', '{"packages":{}}');`;

    test('installs once, also when started twice at the same time', async () => {
        const root = workingCopy();
        rmSync(join(root, 'node_modules'), { recursive: true });
        const env = fakeNpm(root, `setTimeout(() => { ${finish} }, 300);`);
        const results = await Promise.all([1, 2].map(() => start(root, ['--nats', 'none'], env).ended));
        expect(results.map(({ code }) => code)).toEqual([0, 0]);
        const calls = readFileSync(join(root, 'npm.log'), 'utf8').trim().split('\n');
        expect(calls.map(call => JSON.parse(call))).toEqual([
            [['ci', '--no-audit', '--no-fund', '--include=dev', '--include=optional'], null]
        ]);
        expect(readdirSync(join(root, '.cache'))).toEqual(['npm-install.json']);
    });

    test('reports a failing npm and installs again next time', async () => {
        const root = workingCopy();
        rmSync(join(root, 'node_modules'), { recursive: true });
        const failed = await start(root, ['--nats', 'none'], fakeNpm(root, 'process.exitCode = 7;')).ended;
        expect(failed.code).toBe(1);
        expect(failed.stderr).toContain('npm ci failed (exit code 7)');
        const second = await start(root, ['--nats', 'none'], fakeNpm(root, finish)).ended;
        expect(second.stderr).toContain('node_modules is incomplete');
        expect(second.code).toBe(0);
    });

    test('ended by a signal ends npm, and leaves nothing half done', async () => {
        const root = workingCopy();
        rmSync(join(root, 'node_modules'), { recursive: true });
        const env = fakeNpm(root, `process.stderr.write('pid=' + process.pid + ';'); setInterval(() => {}, 1000);`);
        const { child, ended } = start(root, ['--nats', 'none'], env);
        let said = '';
        for await (const [chunk] of on(child.stderr, 'data')) {
            said += chunk;
            if (/pid=\d+;/.test(said)) {
                break;
            }
        }
        child.kill('SIGTERM');
        expect((await ended).code).toBe(143);
        expect(isProcessAlive(Number(/pid=(\d+);/.exec(said)?.[1]))).toBe(false);
        expect(readdirSync(join(root, '.cache'))).toEqual([]);
    });
});
