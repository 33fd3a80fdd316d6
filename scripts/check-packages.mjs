// @ts-check
/*
 * Looks at the packages as npm would publish them: packs each, looks into the tarball, and installs it where nothing of
 * this repository is. Leaves nothing behind.
 */
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** @typedef {{ name: string, private?: boolean, exports: Record<string, unknown>, peerDependencies?: Record<string, string> }} Manifest */
/** @typedef {{ manifest: Manifest, folder: string, tarball: string, data: Buffer }} Packed */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Every package is for ESM alone, so what `require` and old resolvers make of it does not matter. */
const NOT_FOR_US = new Set(['node10', 'node16-cjs']);
/** Entries that are a Nest module; all others do without it. */
const NEED_NEST = new Set(['@cbnsndwch/zero-watermark-nats-kv', '@cbnsndwch/zero-watermark-zqlite']);
const WANTED = ['README.md', 'LICENSE', 'package.json'];
const UNWANTED = [
    /\.test(-d)?\.[cm]?[jt]s/,
    /tsbuildinfo/,
    /(^|\/)(test|fixtures|\.cache)\//,
    /\.(log|tgz|env|creds|pem|key|nk)$/
];
/** @type {readonly (readonly [string, RegExp])[]} */
const SECRETS = [
    ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
    ['an NKey seed', /\bS[AUONCX][A-Z2-7]{56}\b/],
    ['a JWT', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
    ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/],
    ['an address with credentials', /\b(?:nats|tls|https?):\/\/[^\s/@'"`<>{}$]+:[^\s/@'"`<>{}$]+@/]
];

/** @type {string[]} */
const problems = [];
/** @param {string} packageName @param {string} problem */
const report = (packageName, problem) => void problems.push(`${packageName}: ${problem}`);

/** @param {readonly string[]} args @param {string} cwd */
function npm(args, cwd) {
    try {
        return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
        const { stdout, stderr } = /** @type {{ stdout: string, stderr: string }} */ (error);
        throw new Error(`npm ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
    }
}

/** @param {string} folder @returns {Manifest} */
function manifestOf(folder) {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** @param {string} folder @param {string} destination @returns {Packed} */
function pack(folder, destination) {
    const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', destination], folder));
    const tarball = join(destination, filename);
    return { manifest: manifestOf(folder), folder, tarball, data: readFileSync(tarball) };
}

/** @param {Packed} packed */
function checkContents({ manifest: { name }, data }) {
    const archive = createPackageFromTarballData(data);
    const base = `/node_modules/${name}/`;
    const files = archive.listFiles().map(path => path.slice(base.length));
    for (const missing of WANTED.filter(file => !files.includes(file))) {
        report(name, `${missing} is not in the tarball`);
    }
    for (const file of files) {
        if (UNWANTED.some(pattern => pattern.test(file))) {
            report(name, `${file} does not belong into the tarball`);
        }
        const text = archive.readFile(base + file);
        for (const path of [root, homedir()].filter(path => path.length > 1 && text.includes(`${path}/`))) {
            report(name, `${file} names the folder ${path} of this machine`);
        }
        for (const [what] of SECRETS.filter(([, pattern]) => pattern.test(text))) {
            report(name, `${file} holds ${what}`);
        }
    }
    return files.length;
}

/** @param {Packed} packed */
async function checkWithPublint({ manifest, data }) {
    const tarball = new Uint8Array(data).buffer;
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    for (const message of messages) {
        report(manifest.name, `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
    }
}

/** @param {Packed} packed */
async function checkTypes({ manifest: { name, exports }, data }) {
    const excludeEntrypoints = Object.keys(exports).filter(entry => entry.endsWith('.json'));
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(data)), { excludeEntrypoints });
    if (result.types === false) {
        report(name, 'has no types');
        return;
    }
    for (const problem of result.problems) {
        if (!('resolutionKind' in problem) || !NOT_FOR_US.has(problem.resolutionKind)) {
            const { kind } = problem;
            report(name, `types: ${kind} ${'entrypoint' in problem ? problem.entrypoint : JSON.stringify(problem)}`);
        }
    }
}

/** The version that is installed here, which npm has in its cache. @param {string} name */
function installed(name) {
    return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
}

/**
 * Installs the tarballs in an empty project and imports what they offer, in a process of its own.
 *
 * @param {readonly Packed[]} all @param {string} folder @param {(peer: string) => boolean} wanted
 * @returns {Map<string, string>} the code of the error of each entry, empty where there was none
 */
function installAndImport(all, folder, wanted) {
    const peers = all.flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {})).filter(wanted);
    const nests = peers.some(peer => peer.startsWith('@nestjs/')) ? ['reflect-metadata', 'rxjs'] : [];
    const dependencies = Object.fromEntries([
        ...all.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]),
        ...[...peers, ...nests].map(peer => [peer, installed(peer)])
    ]);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
    npm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--strict-peer-deps'], folder);
    const entries = all.flatMap(({ manifest }) =>
        Object.keys(manifest.exports).map(entry => join(manifest.name, entry))
    );
    return new Map(entries.filter(entry => !entry.endsWith('.json')).map(entry => [entry, tryImport(folder, entry)]));
}

/** @param {string} folder @param {string} entry */
function tryImport(folder, entry) {
    const script = `
        import(${JSON.stringify(entry)}).then(
            module => process.stdout.write(Object.keys(module).length > 0 ? '' : 'it exports nothing'),
            error => process.stdout.write(String(error.code ?? error) + ' ' + error.message)
        );`;
    return execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder, encoding: 'utf8' });
}

/** @param {readonly Packed[]} all @param {string} workspace */
function checkInstalled(all, workspace) {
    const withNest = installAndImport(all, mkdtempSync(join(workspace, 'nest-')), () => true);
    for (const [entry, failure] of withNest) {
        if (failure !== '') {
            report(entry, `can't be imported: ${failure}`);
        }
    }
    const bare = mkdtempSync(join(workspace, 'bare-'));
    const withoutNest = installAndImport(all, bare, peer => !peer.startsWith('@nestjs/'));
    if (readdirSync(join(bare, 'node_modules')).includes('@nestjs')) {
        report('all', 'NestJS was installed although nobody asked for it; its peers must be optional');
    }
    for (const [entry, failure] of withoutNest) {
        const needsNest = NEED_NEST.has(entry);
        if (needsNest ? !failure.startsWith('ERR_MODULE_NOT_FOUND') : failure !== '') {
            report(entry, needsNest ? 'is expected to need NestJS' : `can't be imported without NestJS: ${failure}`);
        }
    }
    return withNest.size;
}

const workspace = mkdtempSync(join(tmpdir(), 'check-packages-'));
try {
    const folders = readdirSync(join(root, 'packages')).map(name => join(root, 'packages', name));
    const all = folders.filter(folder => !manifestOf(folder).private).map(folder => pack(folder, workspace));
    for (const packed of all) {
        const count = checkContents(packed);
        await checkWithPublint(packed);
        await checkTypes(packed);
        console.log(`${packed.manifest.name}: ${count} files, ${packed.data.length} bytes packed`);
    }
    console.log(`${checkInstalled(all, workspace)} entries imported from installed tarballs`);
} finally {
    rmSync(workspace, { recursive: true, force: true });
}
for (const problem of problems) {
    console.error(problem);
}
console.log(problems.length === 0 ? 'The packages are good to publish.' : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
