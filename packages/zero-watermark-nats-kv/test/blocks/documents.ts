import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Block } from './stage/plan.js';

/** The folder that holds the repository's files. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** The specification is handed out beside the repository, not in it, so that a clone may be without. */
export const specification = resolve(root, '../shared/spec/zero-watermark-nats-kv.md');

export function specificationIsThere(): boolean {
    return existsSync(specification);
}

/** Our own documents: each README and page that a user is shown. */
export function ownDocuments(): string[] {
    const folders = ['packages', 'apps'].flatMap(parent => namesIn(parent).map(name => join(parent, name)));
    const readmes = ['.', 'deploy', ...folders].map(folder => join(folder, 'README.md'));
    const pages = namesIn('docs').map(name => join('docs', name));
    return [...readmes, ...pages]
        .filter(path => path.endsWith('.md') && existsSync(resolve(root, path)))
        .map(path => resolve(root, path))
        .sort();
}

function namesIn(folder: string): string[] {
    const path = resolve(root, folder);
    return existsSync(path) ? readdirSync(path) : [];
}

/** All fenced blocks of a document, in its order. */
export function blocksOf(path: string): Block[] {
    const document = relative(root, path);
    const blocks: Block[] = [];
    const counts = new Map<string, number>();
    let heading = 'Top';
    let open: { fence: string; indent: string; language: string; line: number; lines: string[] } | undefined;
    readFileSync(path, 'utf8')
        .split('\n')
        .forEach((text, index) => {
            if (open !== undefined) {
                if (text.trim() === open.fence) {
                    const { language, line, lines } = open;
                    const count = (counts.get(`${language} ${heading}`) ?? 0) + 1;
                    counts.set(`${language} ${heading}`, count);
                    const name = count === 1 ? heading : `${heading} (${count})`;
                    const file = /^\/\/ ([\w.-]+\.ts)$/.exec(lines[0] ?? '')?.[1];
                    blocks.push({ document, name, language, line, code: `${lines.join('\n')}\n`, file });
                    open = undefined;
                } else {
                    open.lines.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text);
                }
                return;
            }
            const fence = /^(\s*)(`{3,})\s*([\w-]*)/.exec(text);
            if (fence !== null) {
                const [, indent = '', ticks = '', language = ''] = fence;
                open = { fence: ticks, indent, language, line: index + 2, lines: [] };
                return;
            }
            heading = /^#+\s+(.+?)\s*$/.exec(text)?.[1] ?? heading;
        });
    if (open !== undefined) {
        throw new Error(`${document}: the fence that opens on line ${open.line - 1} is never closed`);
    }
    return blocks;
}

const TYPESCRIPT = new Set(['typescript', 'ts']);

export function typescriptBlocksOf(path: string): Block[] {
    return blocksOf(path).filter(block => TYPESCRIPT.has(block.language));
}
