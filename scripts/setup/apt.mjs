// @ts-check
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createProgress, redact } from './console.mjs';
import { isExecutable, programsOnPath } from './files.mjs';
import { run } from './processes.mjs';

const KEYRINGS = ['pgp', 'gpg'].map(extension => `/usr/share/keyrings/debian-archive-keyring.${extension}`);
const DEBIAN_SUITES = 'bullseye bookworm trixie forky sid oldoldstable oldstable stable testing unstable'.split(' ');
// Settings of the machine that must not apply to us: its folders, hooks, pins, further indexes and languages.
const FOREIGN = new RegExp(
    [
        '^(CommandLine|Binary|DPkg|Quiet)\\b',
        '^Dir::(State|Cache|Log|Etc::(parts|main|preferences|preferencesparts))\\b',
        '^Acquire::(Languages|IndexTargets|Retries)\\b',
        '^APT::(Default-Release|NeverAutoRemove|Update|Status-Fd)\\b',
        '-Invoke'
    ].join('|'),
    'i'
);
const UPDATE_TIMEOUT_MS = 240_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;

/**
 * Our own apt configuration: the machine's (so that its proxies, certificates and credentials apply), but with folders
 * of our own, a sources list of our own, no hooks, no pins, and no index besides the packages.
 *
 * @param {string} dump what `apt-config dump` prints
 * @param {string} dir an existing folder
 * @param {{ ownSources: boolean }} options
 */
export function aptConfiguration(dump, dir, { ownSources }) {
    const settings = {
        'Dir::Etc::parts': '/dev/null',
        'Dir::Etc::main': '/dev/null',
        'Dir::Etc::preferences': '/dev/null',
        'Dir::Etc::preferencesparts': '/dev/null',
        ...(ownSources && { 'Dir::Etc::sourcelist': join(dir, 'sources.list'), 'Dir::Etc::sourceparts': '/dev/null' }),
        'Dir::State': dir,
        'Dir::State::lists': join(dir, 'lists'),
        'Dir::State::status': '/dev/null',
        'Dir::Cache': join(dir, 'cache'),
        'Dir::Cache::pkgcache': '',
        'Dir::Cache::srcpkgcache': '',
        'Dir::Log': dir,
        'Acquire::Languages': 'none',
        'Acquire::Retries': '2',
        // Without it, apt-get update reports success when nothing could be fetched.
        'APT::Update::Error-Mode': 'any'
    };
    const kept = dump.split('\n').filter(line => !FOREIGN.test(line));
    const own = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
    return `${[...kept, ...own].join('\n')}\n`;
}

/**
 * The addresses of Debian mirrors in what `apt-get update --print-uris` prints, likeliest first. Entries with Debian's
 * suite names may also be other vendors' repositories: those fail on the signature, and come last.
 *
 * @param {string} uris
 * @returns {string[]}
 */
export function debianMirrors(uris) {
    const found = uris.split('\n').flatMap(line => {
        const [, base, suite] = /^'(.+)\/dists\/([^/']+)\/main\/binary-[^/']+\/Packages/.exec(line) ?? [];
        return base && suite && DEBIAN_SUITES.includes(suite) && !base.startsWith('cdrom:') ? [base] : [];
    });
    const isLikely = (/** @type {string} */ base) => /\/debian\/?$/.test(base);
    return [...new Set([...found.filter(isLikely), ...found])].slice(0, 3);
}

/**
 * The reasons in what apt wrote to stderr: its errors if there are any, else its warnings.
 *
 * @param {string} stderr
 */
export function aptProblem(stderr) {
    const lines = stderr.split('\n').map(line => redact(line.trim()));
    const errors = lines.filter(line => /^(E|Err):/.test(line));
    const told = (errors.length > 0 ? errors : lines.filter(line => line.startsWith('W:')))
        .map(line => line.replace(/^(E|W|Err):\s*/, ''))
        .filter(line => !line.startsWith('Some index files failed to download'));
    return [...new Set(told)].slice(0, 3).join('; ') || 'apt-get gave no reason';
}

/**
 * Percent of a line that apt writes to its status descriptor.
 *
 * @param {string} line
 */
export function aptPercent(line) {
    const percent = /^dlstatus:\d+:([\d.]+):/.exec(line)?.[1];
    return percent === undefined ? undefined : Number(percent);
}

/**
 * Finds out whether apt can be used here, and how.
 *
 * @param {string} dir
 * @returns {Promise<{ dump: string, mirrors: string[], keyring: string } | { problem: string }>}
 */
async function inspectApt(dir) {
    const programs = ['apt-get', 'apt-config', 'dpkg-deb'].filter(name => programsOnPath(name).length === 0);
    if (process.platform !== 'linux' || programs.length > 0) {
        return { problem: 'no apt on this system' };
    }
    const keyring = KEYRINGS.find(path => existsSync(path));
    if (!keyring) {
        return { problem: 'the keyring of the Debian archive is not installed (package debian-archive-keyring)' };
    }
    const config = await run('apt-config', ['dump'], { timeoutMs: 10_000 });
    const env = configure(dir, aptConfiguration(config.stdout, dir, { ownSources: false }));
    const uris = await run('apt-get', ['update', '--print-uris'], { env, timeoutMs: 10_000 });
    const mirrors = debianMirrors(uris.stdout);
    if (mirrors.length === 0) {
        return { problem: uris.code ? aptProblem(uris.stderr) : 'no Debian mirror in the sources of apt' };
    }
    return { dump: config.stdout, mirrors, keyring };
}

/**
 * @param {string} dir
 * @param {string} configuration
 * @returns {NodeJS.ProcessEnv}
 */
function configure(dir, configuration) {
    for (const folder of ['lists/partial', 'cache/archives/partial', 'deb', 'root']) {
        mkdirSync(join(dir, folder), { recursive: true });
    }
    // Proxies in it may carry a password.
    writeFileSync(join(dir, 'apt.conf'), configuration, { mode: 0o600 });
    return { ...process.env, APT_CONFIG: join(dir, 'apt.conf'), LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
}

/**
 * Fetches nats-server with apt, without root and without touching the system: apt verifies the archive's signature and
 * knows the machine's mirrors and proxies, and only its folders are ours.
 *
 * @param {readonly string[]} suites of Debian, the first that has a good one is taken
 * @param {string} dir an empty folder, the caller's to remove
 * @param {(binary: string) => Promise<string | undefined>} check says what is wrong with a binary
 * @returns {Promise<{ binary: string } | { problem: string }>}
 */
export async function fetchWithApt(suites, dir, check) {
    const apt = await inspectApt(join(dir, 'machine'));
    if ('problem' in apt) {
        return apt;
    }
    const problems = [];
    for (const [i, [mirror, suite]] of suites.flatMap(name => apt.mirrors.map(at => [at, name])).entries()) {
        const own = join(dir, String(i));
        const env = configure(own, aptConfiguration(apt.dump, own, { ownSources: true }));
        const line = `deb [signed-by=${apt.keyring}] ${mirror} ${suite} main\n`;
        writeFileSync(join(own, 'sources.list'), line, { mode: 0o600 });
        const binary = await download(String(suite), own, env);
        const problem = 'path' in binary ? await check(binary.path) : binary.problem;
        if ('path' in binary && !problem) {
            return { binary: binary.path };
        }
        problems.push(`${suite} on ${redact(String(mirror))}: ${problem}`);
    }
    return { problem: problems.join('\n') };
}

/**
 * @param {string} suite
 * @param {string} dir
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ path: string } | { problem: string }>}
 */
async function download(suite, dir, env) {
    const read = `reading the package list of Debian ${suite}`;
    const get = `downloading nats-server of Debian ${suite}`;
    const problem =
        (await aptGet(read, ['update'], env, dir, UPDATE_TIMEOUT_MS)) ??
        (await aptGet(get, ['download', 'nats-server'], env, join(dir, 'deb'), DOWNLOAD_TIMEOUT_MS)) ??
        (await unpack(dir));
    const path = ['usr/sbin', 'usr/bin'].map(at => join(dir, 'root', at, 'nats-server')).find(isExecutable);
    return path && !problem ? { path } : { problem: problem ?? 'the package has no nats-server program in it' };
}

/**
 * @param {string} label
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cwd
 * @param {number} timeoutMs
 * @returns {Promise<string | undefined>} the problem, if there was one
 */
async function aptGet(label, args, env, cwd, timeoutMs) {
    const progress = createProgress(label);
    try {
        const onStatus = (/** @type {string} */ line) => {
            const percent = aptPercent(line);
            if (percent !== undefined) {
                progress.update(percent);
            }
        };
        const options = { env, cwd, timeoutMs, onStatus };
        const { code, timedOut, stderr } = await run('apt-get', ['-q', '-oAPT::Status-Fd=3', ...args], options);
        if (timedOut) {
            return `no end after ${timeoutMs / 1000} s`;
        }
        return code === 0 ? undefined : aptProblem(stderr);
    } finally {
        progress.end();
    }
}

/** @param {string} dir */
async function unpack(dir) {
    const file = readdirSync(join(dir, 'deb')).find(name => name.endsWith('.deb'));
    if (!file) {
        return 'apt-get downloaded no package';
    }
    const { code, stderr } = await run('dpkg-deb', ['-x', join(dir, 'deb', file), join(dir, 'root')]);
    return code === 0 ? undefined : `the package can't be unpacked: ${stderr.trim()}`;
}
