import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { closureOf, type Lock } from './dependencies/closure.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const section = read('docs/security.md').split('\n## Dependencies\n')[1] ?? '';
const lock = JSON.parse(read('package-lock.json')) as Lock;

interface Manifest {
    readonly name: string;
    readonly private?: boolean;
    readonly dependencies?: Readonly<Record<string, string>>;
    readonly peerDependencies?: Readonly<Record<string, string>>;
}

const folders = ['packages', 'apps'].flatMap(parent =>
    readdirSync(join(root, parent)).map(name => `${parent}/${name}`)
);
const manifests = folders.map(folder => ({ folder, ...(JSON.parse(read(`${folder}/package.json`)) as Manifest) }));
const isOurs = (name: string) => name.startsWith('@cbnsndwch/');

/** The rows of a table of that section, by the heading of its first column; cells without their backticks. */
function rowsOf(heading: string): string[][] {
    const lines = section.split('\n');
    const start = lines.findIndex(line => line.startsWith(`| ${heading} `));
    const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
    const cells = (line: string) =>
        line
            .split('|')
            .slice(1, -1)
            .map(cell => cell.trim().replaceAll('`', ''));
    return lines.slice(start + 2, end).map(cells);
}

describe('docs/security.md gives a reason for each dependency', () => {
    const documented = new Map(rowsOf('Dependency').map(([name = '', of = '', why = '']) => [name, { of, why }]));

    test.each(manifests)('$name', ({ folder, name: full, dependencies, peerDependencies }) => {
        const name = full.replace('@cbnsndwch/', '');
        for (const dependency of Object.keys({ ...dependencies, ...peerDependencies }).filter(
            other => !isOurs(other)
        )) {
            const { of = '', why = '' } = documented.get(dependency) ?? {};
            expect(why.length, `${dependency} has no reason in docs/security.md#dependencies`).toBeGreaterThan(10);
            const owners = of.split(', ');
            const isNamed = owners.includes(name) || (folder.startsWith('apps/') && owners.includes('apps'));
            expect(isNamed, `${dependency} is said to be of ${of}, and not of ${name}`).toBe(true);
        }
    });

    test('and for no other', () => {
        const used = new Set(
            manifests.flatMap(manifest => Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
        );
        expect([...documented.keys()].filter(name => !used.has(name))).toEqual([]);
    });
});

describe('what is installed with them', () => {
    /** The name of a package by its folder. */
    const nameOf = (path: string) => path.split('node_modules/').at(-1) ?? path;
    const others = new Map(
        rowsOf('Package').flatMap(([names = '', licence = '']) =>
            names.split(', ').map(name => [name, licence] as const)
        )
    );
    const allowed = new Set(['MIT', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Apache-2.0', 'ISC']);

    test('has a licence that is allowed, or one that docs/security.md names', () => {
        const found = new Map<string, string>();
        for (const { folder } of manifests) {
            for (const [path, { license = 'none' }] of closureOf(lock, folder)) {
                if (!isOurs(nameOf(path)) && path.includes('node_modules/') && !allowed.has(license)) {
                    found.set(nameOf(path), license);
                }
            }
        }
        expect(Object.fromEntries(found)).toEqual(Object.fromEntries(others));
    });

    test('is pinned: each package has a version and a hash', () => {
        for (const [path, { version, integrity, link }] of Object.entries(lock.packages)) {
            if (path.includes('node_modules/') && link !== true) {
                expect({ path, pinned: version !== undefined && /^sha\d+-/.test(integrity ?? '') }).toEqual({
                    path,
                    pinned: true
                });
            }
        }
    });

    test('is little for what is published', () => {
        const countOf = ({ folder }: { folder: string }) =>
            [...closureOf(lock, folder).keys()].filter(path => path.includes('node_modules/')).length;
        const published = manifests.filter(manifest => manifest.private !== true);
        expect(Object.fromEntries(published.map(manifest => [manifest.name, countOf(manifest)]))).toEqual({
            '@cbnsndwch/zero-contracts': 0,
            '@cbnsndwch/zero-watermark-nats-kv': 5,
            '@cbnsndwch/zero-watermark-zqlite': 2
        });
    });
});

test('what comes with a package is found as Node finds it', () => {
    const packages = {
        'packages/a': {
            dependencies: { b: '1', '@cbnsndwch/c': '1' },
            peerDependencies: { p: '1', q: '1' },
            peerDependenciesMeta: { q: { optional: true } }
        },
        'packages/c': { dependencies: { d: '1' } },
        'packages/c/node_modules/d': {},
        'node_modules/@cbnsndwch/c': { link: true, resolved: 'packages/c' },
        'node_modules/b': { dependencies: { d: '1' }, optionalDependencies: { missing: '1' } },
        'node_modules/b/node_modules/d': { dependencies: { e: '1' } },
        'node_modules/d': { dependencies: { never: '1' } },
        'node_modules/e': { dependencies: { b: '1' } },
        'node_modules/never': {},
        'node_modules/p': {},
        'node_modules/q': {}
    };
    expect([...closureOf({ packages }, 'packages/a').keys()].sort()).toEqual([
        'node_modules/b',
        'node_modules/b/node_modules/d',
        'node_modules/e',
        'node_modules/p',
        'packages/c',
        'packages/c/node_modules/d'
    ]);
});
