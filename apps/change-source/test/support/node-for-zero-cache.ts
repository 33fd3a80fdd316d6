import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The oldest major version of Node that zero-cache 1.9 supports, and the one that is fetched where this one is older. */
const OLDEST_MAJOR = 22;
const FETCHED = '24.21.0';

/**
 * The Node to run zero-cache with: this one, or 24 from npm where this one is too old.
 *
 * Where it can't be fetched zero-cache runs on this one all the same, which was seen to work with Node 20.
 */
export function nodeForZeroCache(): string {
    if (Number(process.versions.node.split('.', 1)[0]) >= OLDEST_MAJOR) {
        return process.execPath;
    }
    const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
    const cache = fileURLToPath(new URL('../../../../.cache/', import.meta.url));
    const folder = join(cache, `node-${FETCHED}`);
    const binary = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    try {
        if (!existsSync(binary)) {
            fetchInto(folder, `${name}@${FETCHED}`);
        }
        execFileSync(binary, ['--version'], { stdio: 'ignore' });
        return binary;
    } catch {
        console.warn(
            `zero-cache supports Node ${OLDEST_MAJOR} and newer, and ${name}@${FETCHED} could not be fetched from npm: ` +
                `it runs on Node ${process.versions.node}.`
        );
        return process.execPath;
    }
}

/** A folder that is there is complete. */
function fetchInto(folder: string, name: string): void {
    const partial = `${folder}.${process.pid}`;
    try {
        mkdirSync(partial, { recursive: true });
        const npm = ['install', '--prefix', partial, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', name];
        execFileSync('npm', npm, { cwd: partial, stdio: 'ignore', timeout: 90_000 });
        renameSync(partial, folder);
    } finally {
        rmSync(partial, { recursive: true, force: true });
    }
}
