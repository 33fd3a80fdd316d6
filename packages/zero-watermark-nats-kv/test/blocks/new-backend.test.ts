import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

import { root, typescriptBlocksOf } from './documents.js';

const folder = resolve(root, 'packages/zero-contracts/src/memory');

/** A file less what it imports, and from where: on the page that is the package, in the package its files. */
function bodyOf(code: string): string {
    return code.replace(/^\/\/ .*\n/, '').replaceAll(/^import [^;]+;\n/gm, '');
}

test('the backend that docs/new-backend.md builds is the memory store, to the letter', () => {
    const blocks = typescriptBlocksOf(resolve(root, 'docs/new-backend.md'));
    const files = readdirSync(folder);
    expect(files).toHaveLength(5);
    for (const file of files) {
        const block = blocks.find(each => each.file === file);
        expect(bodyOf(block?.code ?? ''), file).toBe(bodyOf(readFileSync(resolve(folder, file), 'utf8')));
    }
});
