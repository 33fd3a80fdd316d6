import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { matchesLock, nestedNpmEnvironment, npmCommand, reasonToInstall } from './npm.mjs';
import { temporaryFolder } from './testing.js';

describe('npm', () => {
    const machine = { platform: 'linux', arch: 'x64' };
    const a = { version: '1.0.0', integrity: 'sha512-a' };

    test('dependencies are compared by what npm noted, not by file times', () => {
        const lock = { packages: { '': {}, 'packages/x': { version: '0.1.0' }, 'node_modules/a': a } };
        const matches = (packages: Record<string, object>) => matchesLock(lock, { packages }, machine);
        expect(matches({ 'node_modules/a': a })).toBe(true);
        expect(matches({})).toBe(false);
        expect(matches({ 'node_modules/a': { ...a, version: '1.0.1' } })).toBe(false);
        expect(matches({ 'node_modules/a': { ...a, integrity: 'sha512-b' } })).toBe(false);
        expect(matches({ 'node_modules/a': a, 'node_modules/b': a })).toBe(false);
    });

    test('optional dependencies of other platforms may be missing, those of this one may not', () => {
        const lock = (entry: object) => ({ packages: { 'node_modules/a': { ...a, optional: true, ...entry } } });
        const matches = (entry: object) => matchesLock(lock(entry), { packages: {} }, machine);
        expect(matches({ os: ['darwin'] })).toBe(true);
        expect(matches({ os: ['linux'], cpu: ['arm64'] })).toBe(true);
        expect(matches({ os: ['linux'], cpu: ['x64'], libc: ['musl'] })).toBe(true);
        expect(matches({})).toBe(true);
        expect(matches({ os: ['linux'], cpu: ['x64'] })).toBe(false);
    });

    test('a nested npm inherits the network and not the selection of the outer one', () => {
        const env = {
            PATH: '/bin',
            npm_config_registry: 'https://registry.example/',
            NPM_CONFIG_HTTPS_PROXY: 'http://proxy.example',
            npm_config_cafile: '/ca.pem',
            npm_config_workspace: 'x',
            NPM_CONFIG_OMIT: 'dev',
            'npm_config_dry-run': 'true',
            npm_config_global: 'true',
            npm_config_package_lock: '',
            npm_config_local_prefix: '/elsewhere'
        };
        expect(Object.keys(nestedNpmEnvironment(env))).toEqual([
            'PATH',
            'npm_config_registry',
            'NPM_CONFIG_HTTPS_PROXY',
            'npm_config_cafile'
        ]);
    });

    test('is the one that runs us, else the one beside Node, else the one on PATH', () => {
        const command = (npm_execpath: string, platform: string, ...existing: string[]) =>
            npmCommand({
                env: { npm_execpath },
                execPath: '/opt/bin/node',
                platform,
                exists: path => existing.includes(path)
            });
        const outer = '/x/npm-cli.js';
        const beside = '/opt/lib/node_modules/npm/bin/npm-cli.js';
        expect(command(outer, 'linux', outer, beside)).toEqual({ command: '/opt/bin/node', args: [outer] });
        expect(command('/x/pnpm.cjs', 'linux', '/x/pnpm.cjs', beside).args).toEqual([beside]);
        expect(command('', 'linux')).toEqual({ command: 'npm', args: [] });
        expect(command('', 'win32').args).toContain('npm.cmd');
    });

    test('says why it has to install', () => {
        const root = temporaryFolder();
        const write = (path: string, packages: object) => writeFileSync(join(root, path), JSON.stringify({ packages }));
        expect(reasonToInstall(root)).toBe('node_modules is missing');
        mkdirSync(join(root, 'node_modules'));
        expect(reasonToInstall(root)).toBe('node_modules is incomplete');
        write('node_modules/.package-lock.json', { 'node_modules/a': a });
        write('package-lock.json', { 'node_modules/a': a });
        expect(reasonToInstall(root)).toBeUndefined();
        write('package-lock.json', { 'node_modules/a': { ...a, version: '2.0.0' } });
        expect(reasonToInstall(root)).toBe('package-lock.json has changed');
        writeFileSync(join(root, 'package-lock.json'), '<<<<<<< conflict');
        expect(reasonToInstall(root)).toContain('can not be compared');
    });
});
