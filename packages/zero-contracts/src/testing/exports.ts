import { type ImportError, WatermarkErrorCode } from '../errors.js';
import type { ExportLines } from '../transfer/lines.js';
import { type ExportKind, type JsonObject, writeExport } from '../transfer/sealed-lines.js';
import { equals, holds, rejects } from './expect.js';

/** All lines of an export. */
export async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
    const all: string[] = [];
    for await (const line of lines) {
        all.push(line);
    }
    return all;
}

/** The entries of an export: its lines less the first one and the seals. */
export function entriesIn(lines: readonly string[]): JsonObject[] {
    const parsed = lines.map(line => JSON.parse(line) as JsonObject);
    return parsed.filter((entry, index) => index > 0 && !Object.hasOwn(entry, 'sha256'));
}

/** An export with these entries, whatever they are. */
export async function exportOf(kind: ExportKind, entries: Iterable<JsonObject>): Promise<string> {
    async function* all() {
        yield* entries;
    }
    return (await linesOf(writeExport(kind, all()))).join('');
}

/** A pair as it stands in an export. */
export interface ExportedPair {
    readonly watermark: string;
    readonly token: string;
    readonly sync?: boolean;
}

/** An export of one shard. */
export function exportOfShard(shard: string, pairs: readonly ExportedPair[]): Promise<string> {
    return exportOf(
        'resume-tokens',
        pairs.map(pair => ({ shard, ...pair }))
    );
}

/** What becomes of an export on its way, in ways that must be noticed, and in which line. */
export const damages: Readonly<Record<string, (text: string) => { readonly text: string; readonly line: number }>> = {
    'an export that is cut off': text => {
        const lines = text.split('\n').slice(0, -2);
        return { text: lines.map(line => `${line}\n`).join(''), line: lines.length + 1 };
    },
    'an export with a line that was altered': text => {
        const lines = text.split('\n');
        return {
            text: [lines[0], lines[1]?.replace(/"v1"|"a"/, '"altered"'), ...lines.slice(2)].join('\n'),
            line: lines.length - 1
        };
    },
    'an export with a line left out': text => {
        const lines = text.split('\n');
        return { text: [lines[0], ...lines.slice(2)].join('\n'), line: lines.length - 2 };
    },
    'a line that is not JSON': text => {
        const lines = text.split('\n');
        return { text: [lines[0], 'garbage', ...lines.slice(1)].join('\n'), line: 2 };
    },
    'what stands behind the end': text => ({ text: `${text}{}\n`, line: text.split('\n').length }),
    'an export of a newer release': text => ({ text: text.replace('"version":1', '"version":2'), line: 1 }),
    'an export of the other kind': text => ({
        text: text.replace(
            /"kind":"([a-z-]+)"/,
            (_, kind) => `"kind":"${kind === 'watermarks' ? 'resume-tokens' : 'watermarks'}"`
        ),
        line: 1
    }),
    'anything else': () => ({ text: 'orders,7\n', line: 1 }),
    nothing: () => ({ text: '', line: 1 })
};

/** Sees an import refused, with the line that is the reason. */
export async function refusesLine(
    line: number,
    importing: () => Promise<unknown>,
    what: string,
    code: ImportError['code'] = WatermarkErrorCode.INVALID_EXPORT
): Promise<void> {
    const error = await rejects(code, importing, what);
    equals((error as Partial<ImportError>).line, line, `the line that ${what} is refused for`);
    holds(
        error.message.includes(`ine ${line} `),
        `${what} is refused with a message that names the line: ${error.message}`
    );
}

/** Lines that can't be read. */
export function failingWith(error: Error): AsyncIterable<string> {
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

/** The same text in pieces that end anywhere, also within a character. */
export function* inPieces(text: string, length: number): Generator<Uint8Array> {
    const bytes = new TextEncoder().encode(text);
    for (let start = 0; start < bytes.length; start += length) {
        yield bytes.subarray(start, start + length);
    }
}

/** The same text as everything that an import takes. */
export function formsOf(text: string): Readonly<Record<string, () => ExportLines>> {
    return {
        'a whole text': () => text,
        'whole bytes': () => new TextEncoder().encode(text),
        'pieces of a few bytes': () => inPieces(text, 7),
        'pieces of text, asynchronous': async function* () {
            for (let start = 0; start < text.length; start += 100) {
                yield text.slice(start, start + 100);
            }
        }
    };
}
