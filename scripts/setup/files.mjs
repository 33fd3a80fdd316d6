// @ts-check
import {
    accessSync,
    chmodSync,
    constants,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    realpathSync,
    renameSync,
    rmSync,
    statSync,
    writeFileSync
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { onInterrupt } from './processes.mjs';

const TEMPORARY = 'tmp-';

/** @param {string} path */
export function isExecutable(path) {
    try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
    } catch {
        return false;
    }
}

/**
 * All programs of that name on PATH. The folders for system programs come last, if PATH leaves them out: Debian
 * installs nats-server there and gives them to root only.
 *
 * @param {string} name without extension
 * @param {NodeJS.ProcessEnv} [env]
 * @param {string} [platform]
 */
export function programsOnPath(name, env = process.env, platform = process.platform) {
    const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter(Boolean);
    const all = platform === 'win32' ? folders : [...folders, '/usr/local/sbin', '/usr/sbin', '/sbin'];
    const programs = all.map(folder => join(folder, platform === 'win32' ? `${name}.exe` : name)).filter(isExecutable);
    // Folders may be links to each other; the first name of each program is enough.
    return [...new Map(programs.reverse().map(path => [realpathSync(path), path])).values()].reverse();
}

/** @param {string} path */
export function removeFile(path) {
    rmSync(path, { force: true });
}

/**
 * Writes a file so that a reader sees the old content or the new one, and nothing if it is already that.
 *
 * @param {string} path
 * @param {string} content
 */
export function writeFileAtomically(path, content) {
    try {
        if (readFileSync(path, 'utf8') === content) {
            return;
        }
    } catch {
        // Not there yet.
    }
    mkdirSync(dirname(path), { recursive: true });
    const aside = `${path}.${process.pid}`;
    writeFileSync(aside, content);
    renameSync(aside, path);
}

/**
 * Runs `work` with a temporary folder that is gone afterwards, also when a signal ends the process.
 *
 * @template T
 * @param {string} cacheDir
 * @param {(dir: string) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withTemporaryFolder(cacheDir, work) {
    mkdirSync(cacheDir, { recursive: true });
    const dir = mkdtempSync(join(cacheDir, TEMPORARY));
    const remove = () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    const forget = onInterrupt(remove);
    try {
        return await work(dir);
    } finally {
        forget();
        remove();
    }
}

/**
 * Removes what a killed setup left behind. Only while the lock is held: nobody else's folder is in use then.
 *
 * @param {string} cacheDir
 */
export function removeLeftovers(cacheDir) {
    for (const name of readdirSync(cacheDir)) {
        if (name.startsWith(TEMPORARY)) {
            rmSync(join(cacheDir, name), { recursive: true, force: true });
        }
    }
}

/**
 * Moves a checked binary to its place in the cache in one step, so that there is never half a binary at that place.
 *
 * @param {string} binary on the same file system as the cache
 * @param {string} dir the folder of its own that it gets
 * @param {string} name
 */
export function moveIntoCache(binary, dir, name) {
    const aside = `${binary}-folder`;
    mkdirSync(aside);
    renameSync(binary, join(aside, name));
    chmodSync(join(aside, name), 0o755);
    mkdirSync(dirname(dir), { recursive: true });
    if (isExecutable(join(dir, name))) {
        return;
    }
    rmSync(dir, { recursive: true, force: true });
    renameSync(aside, dir);
}
