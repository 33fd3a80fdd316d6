import { ImportError, WatermarkError, WatermarkErrorCode } from '../errors.js';
import { type ExportLines, type Line, MAX_LINE_LENGTH, readLines } from './lines.js';

/*
 * The form of an export: one JSON object a line. The first line says what it is; then come entries, and behind each
 * block of them a seal, which is the SHA-256 of all lines since the last seal, with that one. The last seal says that it
 * is the end. So an import takes no entry from a line that was altered, and notices what was cut off, without holding
 * more than a block.
 */

/** What an export holds. */
export type ExportKind = 'watermarks' | 'resume-tokens';

/** The format that this release writes and reads; raised whenever an older release could misread a newer export. */
const VERSION = 1;
const FORMAT = 'zero-watermarks';

/** A block is sealed once it has so many lines, or so many characters. */
const BLOCK_LINES = 1_000;
const BLOCK_LENGTH = 1024 * 1024;

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** An entry of an export, from a block whose seal fits. */
export interface ExportedEntry {
    /** The line, counted from 1. */
    readonly line: number;
    readonly content: JsonObject;
}

/**
 * Writes an export: each piece is one line, with its end.
 *
 * @throws {WatermarkError} `VALUE_TOO_LARGE`: an entry that does not fit into a line
 */
export async function* writeExport(
    kind: ExportKind,
    entries: AsyncIterable<JsonObject>
): AsyncGenerator<string, void, undefined> {
    const block = new Block();
    yield block.add(lineOf({ format: FORMAT, version: VERSION, kind }));
    for await (const entry of entries) {
        const line = lineOf(entry);
        if (line.length > MAX_LINE_LENGTH) {
            throw new WatermarkError(
                WatermarkErrorCode.VALUE_TOO_LARGE,
                `An entry takes ${line.length} characters; a line of an export has at most ${MAX_LINE_LENGTH}.`
            );
        }
        yield block.add(line);
        if (block.isFull) {
            yield block.begin(lineOf({ sha256: await block.hash() }));
        }
    }
    yield lineOf({ sha256: await block.hash(), end: true });
}

/**
 * Reads an export, block by block, each once its seal has been found to fit.
 *
 * @throws {ImportError} `INVALID_EXPORT`: not an export of this kind, of a newer release, altered, or cut off
 */
export async function* readExport(
    kind: ExportKind,
    source: ExportLines
): AsyncGenerator<readonly ExportedEntry[], void, undefined> {
    const block = new Block();
    let entries: ExportedEntry[] = [];
    let ended = false;
    let number = 0;
    for await (const line of readLines(source)) {
        number = line.number;
        if (ended) {
            throw invalid(line.number, 'it stands behind the end of the export');
        }
        const content = parse(line);
        if (number === 1) {
            checkHeader(kind, content);
        } else if (Object.hasOwn(content, 'sha256')) {
            if (content['sha256'] !== (await block.hash())) {
                throw invalid(
                    number,
                    'the lines before it are not those that were exported: its seal does not fit them'
                );
            }
            ended = content['end'] === true;
            // Nothing may stand behind the last block, so that one waits.
            if (!ended) {
                yield entries;
                entries = [];
            }
            block.begin(`${line.text}\n`);
            continue;
        } else if (block.isFull) {
            throw invalid(number, 'a seal should stand here');
        } else {
            entries.push({ line: number, content });
        }
        block.add(`${line.text}\n`);
    }
    if (!ended) {
        throw invalid(number + 1, 'the export is cut off here; its last line has "end": true');
    }
    yield entries;
}

/** The lines since the last seal, with that one. */
class Block {
    #lines: string[] = [];
    #length = 0;

    get isFull(): boolean {
        return this.#lines.length > BLOCK_LINES || this.#length > BLOCK_LENGTH;
    }

    /** Begins anew behind a seal. */
    begin(seal: string): string {
        this.#lines = [];
        this.#length = 0;
        return this.add(seal);
    }

    add(line: string): string {
        this.#lines.push(line);
        this.#length += line.length;
        return line;
    }

    async hash(): Promise<string> {
        const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(this.#lines.join('')));
        return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
    }
}

function checkHeader(kind: ExportKind, header: JsonObject): void {
    if (header['format'] !== FORMAT) {
        throw invalid(1, `it is not the first line of an export, {"format":"${FORMAT}",…}`);
    }
    const { version } = header;
    if (version !== VERSION) {
        const newer = typeof version === 'number' && version > VERSION;
        throw invalid(
            1,
            newer
                ? `a newer release wrote the export (version ${version}; this one knows ${VERSION})`
                : `its "version" is not ${VERSION}`
        );
    }
    if (header['kind'] !== kind) {
        const other = kind === 'watermarks' ? 'resume-tokens' : 'watermarks';
        throw invalid(
            1,
            header['kind'] === other
                ? `it is an export of ${other}, not of ${kind}: the other service imports it`
                : `its "kind" is not "${kind}"`
        );
    }
}

function parse({ number, text }: Line): JsonObject {
    let parsed: unknown;
    try {
        parsed = JSON.parse(text);
    } catch {
        throw invalid(number, 'it is not JSON');
    }
    if (!isObject(parsed)) {
        throw invalid(number, 'it is JSON, but not an object');
    }
    return parsed;
}

function isObject(value: unknown): value is JsonObject {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lineOf(content: JsonObject): string {
    return `${JSON.stringify(content)}\n`;
}

function invalid(line: number, problem: string): ImportError {
    return new ImportError(WatermarkErrorCode.INVALID_EXPORT, line, problem);
}
