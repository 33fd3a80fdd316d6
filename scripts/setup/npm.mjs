// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { say, SetupError } from './console.mjs';
import { removeFile, writeFileAtomically } from './files.mjs';
import { run } from './processes.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean, extraneous?: boolean,
 *     os?: readonly string[], cpu?: readonly string[], libc?: readonly string[] }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} LockFile
 */

/**
 * Whether what npm noted in node_modules/.package-lock.json is what the lock file asks for. File times can't tell:
 * copying or cloning a repository sets them anew.
 *
 * @param {LockFile} wanted package-lock.json
 * @param {LockFile} installed node_modules/.package-lock.json, which npm writes last
 * @param {{ platform: string, arch: string }} machine
 */
export function matchesLock(wanted, installed, machine) {
    const want = wanted.packages ?? {};
    const have = installed.packages ?? {};
    const satisfied = Object.entries(want).every(([path, entry]) => {
        const found = have[path];
        if (!path.includes('node_modules/')) {
            return true;
        }
        if (!found) {
            return entry.optional === true && !isMeantFor(entry, machine);
        }
        return found.version === entry.version && found.integrity === entry.integrity && found.link === entry.link;
    });
    return satisfied && Object.entries(have).every(([path, entry]) => path in want || entry.extraneous === true);
}

/**
 * An optional package that names its platform is expected there and nowhere else. One that names none, or a C library,
 * may rightly be missing.
 *
 * @param {LockedPackage} entry
 * @param {{ platform: string, arch: string }} machine
 */
function isMeantFor({ os, cpu, libc }, { platform, arch }) {
    return !libc && (os ?? cpu) !== undefined && (os?.includes(platform) ?? true) && (cpu?.includes(arch) ?? true);
}

/**
 * The environment for an npm that runs inside another npm's script. Settings of where and what the outer one installs
 * (`npm test -w x`, `--omit=dev`, `--global`, `--no-package-lock` ...) must not apply; registry, proxy and
 * certificates must.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function nestedNpmEnvironment(env) {
    const local = new Set(
        (
            'also audit bin_links dev dry_run force global global_prefix if_present include include_workspace_root ' +
            'install_links install_strategy json legacy_bundling local_prefix location omit only optional ' +
            'package_lock package_lock_only parseable prefix production save save_bundle save_dev save_exact ' +
            'save_optional save_peer save_prod shrinkwrap workspace workspaces workspaces_update'
        ).split(' ')
    );
    return Object.fromEntries(
        Object.entries(env).filter(([name]) => {
            const setting = /^npm_config_(.+)$/i.exec(name)?.[1]?.toLowerCase().replaceAll('-', '_');
            return setting === undefined || !local.has(setting);
        })
    );
}

/**
 * How to start npm: the one that runs us, else the one that came with this Node, else the one on PATH.
 *
 * @param {{ env: NodeJS.ProcessEnv, execPath: string, platform: string, exists: (path: string) => boolean }} machine
 * @returns {{ command: string, args: string[] }}
 */
export function npmCommand({ env, execPath, platform, exists }) {
    const cli = join('node_modules', 'npm', 'bin', 'npm-cli.js');
    const beside = platform === 'win32' ? join(dirname(execPath), cli) : join(dirname(execPath), '..', 'lib', cli);
    const outer = env['npm_execpath'];
    const script = [outer, beside].find(path => path && basename(path) === 'npm-cli.js' && exists(path));
    if (script) {
        return { command: execPath, args: [script] };
    }
    // Node refuses to start .cmd files but through the command interpreter.
    return platform === 'win32' ? { command: 'cmd.exe', args: ['/d', '/c', 'npm.cmd'] } : { command: 'npm', args: [] };
}

/** @param {string} root */
function paths(root) {
    return {
        lock: join(root, 'package-lock.json'),
        manifest: join(root, 'package.json'),
        installed: join(root, 'node_modules', '.package-lock.json'),
        stamp: join(root, '.cache', 'npm-install.json')
    };
}

/** @param {string} path */
function read(path) {
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/**
 * What a successful installation leaves in the cache folder: it says that exactly these two files belong together.
 *
 * @param {string} root
 */
function fingerprint(root) {
    const { lock, manifest, installed } = paths(root);
    const hash = createHash('sha256').update(read(lock) ?? read(manifest) ?? '');
    return `${JSON.stringify({
        installed: hash
            .update('\0')
            .update(read(installed) ?? '')
            .digest('hex')
    })}\n`;
}

/**
 * Why the npm dependencies have to be installed, or `undefined` if they needn't.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
export function reasonToInstall(root) {
    const { lock, installed, stamp } = paths(root);
    const have = read(installed);
    if (have === undefined) {
        return existsSync(join(root, 'node_modules')) ? 'node_modules is incomplete' : 'node_modules is missing';
    }
    if (read(stamp) === fingerprint(root)) {
        return undefined;
    }
    const want = read(lock);
    if (want === undefined) {
        return 'package.json has changed';
    }
    try {
        return matchesLock(JSON.parse(want), JSON.parse(have), process) ? undefined : 'package-lock.json has changed';
    } catch {
        return 'node_modules can not be compared with package-lock.json';
    }
}

/**
 * Installs what the lock file says, or what package.json says where there is no lock file.
 *
 * @param {string} root
 * @param {{ reason: string, onStart?: (pid: number) => void }} options
 * @throws {SetupError} npm is missing or failed; npm's own output has said why
 */
export async function installDependencies(root, { reason, onStart = () => {} }) {
    const { lock, stamp } = paths(root);
    const { command, args } = npmCommand({ ...process, env: process.env, exists: existsSync });
    const verb = existsSync(lock) ? 'ci' : 'install';
    removeFile(stamp);
    say(`installing npm dependencies with npm ${verb} (${reason}) ...`);
    // The tools are dev dependencies, so NODE_ENV=production must not leave them out.
    const npm = [...args, verb, '--no-audit', '--no-fund', '--include=dev', '--include=optional'];
    const env = nestedNpmEnvironment(process.env);
    const { code } = await run(command, npm, { cwd: root, env, inherit: true, onStart }).catch(error => {
        throw new SetupError(`npm could not be started (${error.code ?? error.message}).
  It is part of Node.js: see that \`npm --version\` works in this terminal, then run this again.`);
    });
    if (code !== 0) {
        throw new SetupError(`npm ${verb} failed (exit code ${code}); its own message is above.
  Usual reasons: no network, a proxy or registry that npm is not told of (\`npm config get registry\`), or a
  package-lock.json that does not fit package.json (then run \`npm install\`). Mend it and run this again.`);
    }
    writeFileAtomically(stamp, fingerprint(root));
}
