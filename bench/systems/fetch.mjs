// @ts-check
/*
 * Fetches what `npm run bench` compares with and this machine has not, with apt, without root and without touching the
 * system: packages are unpacked into .cache/systems. Where that cannot be done, it is said, and the benchmark does without.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { programsOnPath, withTemporaryFolder } from '../../scripts/setup/files.mjs';
import { exitCleanlyOnSignals, run } from '../../scripts/setup/processes.mjs';
import { FETCHED, findProgram } from './programs.mjs';

const TIMEOUT_MS = 240_000;

/** The program that is run, and the package of Debian and Ubuntu that has it. */
const WANTED = Object.entries({ 'redis-server': 'redis-server', etcd: 'etcd-server' });

/** @param {string} line */
const say = line => process.stderr.write(`${line}\n`);

exitCleanlyOnSignals();
const missing = WANTED.flatMap(([program, name]) => (findProgram(program) === undefined ? name : []));
if (missing.length > 0) {
    const tools = ['apt-get', 'dpkg-deb'].filter(name => programsOnPath(name).length === 0);
    const problem = tools.length > 0 ? `there is no ${tools.join(', no ')} here` : await fetchPackages(missing);
    say(
        problem === undefined
            ? `${missing.join(', ')}: fetched`
            : `${missing.join(', ')}: not there, and not fetched (${problem}); the benchmark does without`
    );
}

/**
 * Downloads packages, with those that they need and the system has not, and unpacks them.
 *
 * @param {readonly string[]} names
 * @returns {Promise<string | undefined>} the problem, if there was one
 */
function fetchPackages(names) {
    return withTemporaryFolder(join(FETCHED, '..'), async folder => {
        const [lists, cache] = [join(folder, 'lists'), join(folder, 'cache')];
        const archives = join(cache, 'archives');
        [lists, archives].forEach(path => mkdirSync(join(path, 'partial'), { recursive: true }));
        const settings = [
            `Dir::State::lists=${lists}`,
            `Dir::Cache=${cache}`,
            'Debug::NoLocking=1',
            'APT::Sandbox::User='
        ];
        const options = settings.flatMap(setting => ['-o', setting]);
        const download = ['--no-install-recommends', '--download-only', '-y', 'install', ...names];
        for (const args of [['update'], download]) {
            const { code, stderr } = await run('apt-get', ['-q', ...options, ...args], { timeoutMs: TIMEOUT_MS });
            if (code !== 0) {
                return stderr.trim().split('\n').at(-1) ?? `apt-get ${args[0]} ended with code ${code}`;
            }
        }
        for (const file of readdirSync(archives).filter(name => name.endsWith('.deb'))) {
            const { code, stderr } = await run('dpkg-deb', ['-x', join(archives, file), FETCHED]);
            if (code !== 0) {
                return stderr.trim();
            }
        }
        return undefined;
    });
}
