import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

import { root } from './documents.js';
import { typeScript } from './project.js';

/* What holds for the packages as a whole. */

test('sources, tests and type tests are free of type errors', async () => {
    expect(await typeScript(resolve(root, 'tsconfig.check.json'))).toBe('');
});

test('a type test notices a wrong type', async () => {
    // Otherwise the test above would pass as well if expectTypeOf checked nothing.
    const problems = await typeScript(resolve(root, 'packages/zero-watermark-nats-kv/test/blocks/wrong-types'));
    expect(problems.match(/error TS\d+/g)).toHaveLength(2);
});

const stores = [
    { name: 'zero-watermark-nats-kv', needs: '@nats-io/transport-node', service: 'nats-kv-watermark.service.js' },
    { name: 'zero-watermark-zqlite', needs: '@rocicorp/zero-sqlite3', service: 'zqlite-watermark.service.js' }
];

describe.each(stores)('./store of $name', ({ name, needs, service }) => {
    test('reaches neither Nest nor the module', () => {
        const reached = graphOf(resolve(root, `packages/${name}/dist/store.js`));
        const packages = [...reached].filter(name => !name.startsWith('/') && !name.startsWith('node:'));
        expect(packages.toSorted()).toEqual(['@cbnsndwch/zero-contracts', '@cbnsndwch/zero-contracts/backend', needs]);
        const files = [...reached].filter(name => name.startsWith('/')).map(name => relative(root, name));
        expect(files.filter(name => /module|\/index\.js$|testing/.test(name))).toEqual([]);
        expect(files).toContain(`packages/${name}/dist/${service}`);
    });

    test('reaches neither in its types', () => {
        const reached = graphOf(resolve(root, `packages/${name}/dist/store.d.ts`));
        expect([...reached].filter(name => name.startsWith('@nestjs/') || name.includes('.module.'))).toEqual([]);
    });
});

test('./testing needs nothing but Node', () => {
    const reached = graphOf(resolve(root, 'packages/zero-watermark-nats-kv/dist/testing.js'));
    expect([...reached].filter(name => !name.startsWith('/') && !name.startsWith('node:'))).toEqual([]);
});

test('zero-contracts needs nothing at all', () => {
    const reached = graphOf(resolve(root, 'packages/zero-contracts/dist/index.js'));
    expect([...reached].filter(name => !name.startsWith('/'))).toEqual([]);
});

test('zero-contracts/backend does no I/O: it needs the hash and the timers of Node alone', () => {
    const reached = graphOf(resolve(root, 'packages/zero-contracts/dist/backend.js'));
    expect([...reached].filter(name => !name.startsWith('/')).toSorted()).toEqual([
        'node:crypto',
        'node:timers/promises'
    ]);
});

test('zero-contracts/testing needs nothing at all, no test runner either', () => {
    const reached = graphOf(resolve(root, 'packages/zero-contracts/dist/testing.js'));
    expect([...reached].filter(name => !name.startsWith('/'))).toEqual([]);
});

/** The files and packages that a built module imports, directly and through its files; for `.d.ts` its types' files. */
function graphOf(entry: string, reached = new Set<string>()): Set<string> {
    reached.add(entry);
    const text = readFileSync(entry, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, from, dynamic, bare] of text.matchAll(
        /\bfrom\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm
    )) {
        const specifier = from ?? dynamic ?? bare ?? '';
        if (!specifier.startsWith('.')) {
            reached.add(specifier);
            continue;
        }
        const path = resolve(dirname(entry), entry.endsWith('.d.ts') ? specifier.replace(/\.js$/, '.d.ts') : specifier);
        expect(existsSync(path), `${entry} imports ${specifier}`).toBe(true);
        if (!reached.has(path)) {
            graphOf(path, reached);
        }
    }
    return reached;
}
