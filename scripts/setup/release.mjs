// @ts-check
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createProgress } from './console.mjs';
import { download } from './download.mjs';
import { isExecutable } from './files.mjs';
import { run } from './processes.mjs';

/** @typedef {import('./versions.mjs').Role} Role */
/** @typedef {{ version: string, sha256: Record<string, string> }} Release */

export const RELEASES_URL = 'https://github.com/nats-io/nats-server/releases/download';

/**
 * The official archives that we accept, by the SHA-256 of each. Sources, all of which take them from the release's own
 * SHA256SUMS:
 * - [docker] github.com/nats-io/nats-docker, the project's own images (commits aa0caa5 and e8faa71)
 * - [hermit] github.com/cashapp/hermit-packages, nats-server.hcl
 * - [scoop] github.com/ScoopInstaller/Main, bucket/nats-server.json (commits d70741346b and d73726f6fa)
 *
 * @type {Record<Role, Release>}
 */
export const RELEASES = {
    newest: {
        version: '2.14.5',
        sha256: {
            // docker, hermit
            'linux-amd64': '5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355',
            // docker, hermit
            'linux-arm64': '673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c',
            // hermit
            'darwin-amd64': 'f95c98d6b6ed2b63c5681b46b092c9585c99767d547cf495730c329234625e96',
            // hermit
            'darwin-arm64': 'ddd907854d9a2de834af133fa396915fe6442fe6d8909ae31390d1ea7a0fea50',
            // docker, scoop
            'windows-amd64': 'f66f840a211ab665083b88e9b7edbcf6296cda143be47e53e6f6bb8520692bbb',
            // scoop
            'windows-arm64': '5e1d5a5df7dc5bd9189daf25b1eb286eafc62f5659cc44996bef9294e2f4c938'
        }
    },
    oldest: {
        version: '2.10.26',
        sha256: {
            // docker, hermit
            'linux-amd64': '6cbac67107e69c9e5a352d6f1555027f9da6a6b3fa81cceafefa9598b4451512',
            // docker, hermit
            'linux-arm64': 'aba1b169f18d4441b4b5d760805c562dccc57b425a7a213a82753a2269a27235',
            // hermit
            'darwin-amd64': 'c90e94a1a9537304ab59f9056baca6a3138d17c13d7fe218ccbbd24ca08ee8e9',
            // hermit
            'darwin-arm64': 'b1e2fd61507703ee81b0b2c1c35894beeebf908ddc7a4a5b7928aca438f716e6',
            // docker, scoop
            'windows-amd64': 'e1f9c4eee642bd521878dc493de8514b25c1468e3f2420312aa52f96f7bcbabf',
            // scoop
            'windows-arm64': '89f12985c4e4d1071093850f92154e742c80933ccadc1fa1f07bd5ade466c616'
        }
    }
};

/**
 * The archive for a machine, or `undefined` if we know no checksum for it.
 *
 * @param {Release} release
 * @param {{ platform: string, arch: string }} machine as Node names them
 */
export function releaseArchive({ version, sha256 }, { platform, arch }) {
    const system = platform === 'win32' ? 'windows' : platform;
    const target = `${system}-${arch === 'x64' ? 'amd64' : arch}`;
    const checksum = sha256[target];
    const name = `nats-server-v${version}-${target}`;
    return checksum === undefined
        ? undefined
        : { name, checksum, path: `v${version}/${name}.${system === 'windows' ? 'zip' : 'tar.gz'}` };
}

/**
 * @typedef {object} ReleaseOptions
 * @property {Record<Role, Release>} [releases]
 * @property {string} [baseUrl]
 * @property {{ platform: string, arch: string }} [machine]
 * @property {NodeJS.ProcessEnv} [env]
 */

/**
 * Downloads the official release and unpacks it, once its checksum has proved right.
 *
 * @param {Role} role
 * @param {string} dir an empty folder, the caller's to remove
 * @param {(binary: string) => Promise<string | undefined>} check says what is wrong with a binary
 * @param {ReleaseOptions} [options]
 * @returns {Promise<{ binary: string } | { problem: string }>}
 */
export async function fetchRelease(role, dir, check, options = {}) {
    const { releases = RELEASES, baseUrl = RELEASES_URL, machine = process, env = process.env } = options;
    const archive = releaseArchive(releases[role], machine);
    if (!archive) {
        return { problem: `no checksum is known for ${machine.platform}-${machine.arch}` };
    }
    const url = `${baseUrl}/${archive.path}`;
    const file = join(dir, 'archive');
    try {
        const checksum = await downloadWithProgress(url, file, archive.name, env);
        if (checksum !== archive.checksum) {
            return { problem: `${url} has SHA-256 ${checksum} and not ${archive.checksum}; it was not unpacked` };
        }
    } catch (error) {
        const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
        return { problem: `${url}: ${message || code}` };
    }
    const binary = join(dir, 'root', archive.name, machine.platform === 'win32' ? 'nats-server.exe' : 'nats-server');
    const problem = (await unpack(file, join(dir, 'root'), env)) ?? (await check(binary));
    return problem ? { problem: `${url}: ${problem}` } : { binary };
}

/**
 * @param {string} url
 * @param {string} file
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
async function downloadWithProgress(url, file, name, env) {
    const progress = createProgress(`downloading ${name}`);
    const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
    try {
        return await download(url, file, {
            env,
            onProgress: (received, total) => {
                const of = total === undefined ? '' : ` of ${megabytes(total)}`;
                progress.update(total ? (received / total) * 100 : 0, `${megabytes(received)}${of} MB`);
            }
        });
    } finally {
        progress.end();
    }
}

/**
 * @param {string} file
 * @param {string} target
 * @param {NodeJS.ProcessEnv} env
 */
async function unpack(file, target, env) {
    mkdirSync(target);
    // Windows' own tar reads zip files; one that comes first on PATH, as Git's, may not.
    const own = join(env['SystemRoot'] ?? '', 'System32', 'tar.exe');
    const tar = process.platform === 'win32' && isExecutable(own) ? own : 'tar';
    try {
        const { code, stderr } = await run(tar, ['-xf', file, '-C', target], { timeoutMs: 120_000 });
        return code === 0 ? undefined : `tar could not unpack it: ${stderr.trim().split('\n')[0]}`;
    } catch (error) {
        return `tar could not be started (${/** @type {NodeJS.ErrnoException} */ (error).code})`;
    }
}
