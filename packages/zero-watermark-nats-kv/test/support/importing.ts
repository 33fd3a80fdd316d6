import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What an import process is told. */
interface ImportOrder {
    readonly options: { readonly servers: readonly string[]; readonly bucket: string; readonly replicas?: number };
    readonly service: 'watermarks' | 'resumeTokens';
    readonly path: string;
}

/** Starts a process that imports a file; `afterPieces`: kills it with -9 once it has taken that many pieces. */
export async function importInProcess(order: ImportOrder, afterPieces = Infinity): Promise<unknown> {
    const script = fileURLToPath(new URL('import-process.mjs', import.meta.url));
    const child: ChildProcess = spawn(process.execPath, [script, JSON.stringify(order)], {
        stdio: ['ignore', 'pipe', 'inherit']
    });
    let pieces = 0;
    let report: unknown;
    if (child.stdout !== null) {
        createInterface({ input: child.stdout }).on('line', line => {
            if (line !== 'piece') {
                report = JSON.parse(line);
                return;
            }
            pieces += 1;
            if (pieces === afterPieces) {
                child.kill('SIGKILL');
            }
        });
    }
    await new Promise(resolve => child.on('close', resolve));
    return report;
}

/** A file with this text, in a folder of its own. */
export async function temporaryFile(text: string): Promise<{ readonly path: string } & AsyncDisposable> {
    const folder = await mkdtemp(join(tmpdir(), 'zero-moving-'));
    const path = join(folder, 'export.ndjson');
    await writeFile(path, text);
    return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** All of an export. */
export async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
    const all: string[] = [];
    for await (const line of lines) {
        all.push(line);
    }
    return all;
}

/** Names with a common beginning, one for each number. */
export function named(prefix: string, count: number): string[] {
    return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

/** An export with these entries, as another program may write it. */
export async function exportOf(
    entries: readonly (object | string)[],
    kind: 'watermarks' | 'resume-tokens' = 'resume-tokens'
): Promise<string> {
    const lines = entries.map(entry => (typeof entry === 'string' ? entry : JSON.stringify(entry)));
    let block = `${JSON.stringify({ format: 'zero-watermarks', version: 1, kind })}\n`;
    let text = '';
    const seal = (end: object) => {
        const sha256 = createHash('sha256').update(block).digest('hex');
        text += block;
        block = `${JSON.stringify({ sha256, ...end })}\n`;
    };
    for (const [index, line] of lines.entries()) {
        block += `${line}\n`;
        if (index % 1_000 === 999) {
            seal({});
        }
    }
    seal({ end: true });
    return text + block;
}
