import { ImportError, WatermarkError, WatermarkErrorCode } from '../errors.js';

/**
 * An export as it comes: from `exportWatermarks`, from a file (`createReadStream(path)`), over the network, or whole.
 *
 * Where one piece ends and the next one begins does not matter, also within a line or a character.
 */
export type ExportLines = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** A line without its end. */
export interface Line {
    /** Counted from 1. */
    readonly number: number;
    readonly text: string;
}

/** The longest line, in UTF-16 units: the largest message that NATS takes (64 MiB), and room for what stands around it. */
export const MAX_LINE_LENGTH = 65 * 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Cuts an export into lines.
 *
 * @throws {ImportError} `INVALID_EXPORT`: not UTF-8, or a line that is too long to be one of an export
 * @throws {WatermarkError} `INVALID_ARGUMENT`: something else than strings and bytes
 */
export async function* readLines(source: ExportLines): AsyncGenerator<Line, void, undefined> {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    let number = 1;
    // Joined where a line ends: to look at the whole text for each piece would take time that grows with its square.
    let pieces: string[] = [];
    let length = 0;
    const decode = (bytes?: Uint8Array) => {
        try {
            return decoder.decode(bytes, { stream: bytes !== undefined });
        } catch {
            throw new ImportError(WatermarkErrorCode.INVALID_EXPORT, number, 'it is not UTF-8');
        }
    };
    for await (const chunk of chunksOf(source)) {
        for (const piece of piecesOf(chunk)) {
            // Half a character of bytes can't go on in a text: it would come out behind it.
            const text = typeof piece === 'string' ? decode() + piece : decode(piece);
            pieces.push(text);
            length += text.length;
            if (length > MAX_LINE_LENGTH) {
                const problem = `it has more than ${MAX_LINE_LENGTH} characters, which no line of an export has`;
                throw new ImportError(WatermarkErrorCode.INVALID_EXPORT, number, problem);
            }
            if (text.endsWith('\n')) {
                yield { number, text: pieces.join('').slice(0, -1) };
                number += 1;
                pieces = [];
                length = 0;
            }
        }
    }
    const text = pieces.join('') + decode();
    if (text !== '') {
        yield { number, text };
    }
}

function chunksOf(source: ExportLines): Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array> {
    if (typeof source === 'string') {
        return [source];
    }
    try {
        if (source instanceof Uint8Array) {
            return [source];
        }
        if (typeof source === 'object' && (Symbol.asyncIterator in source || Symbol.iterator in source)) {
            return source;
        }
    } catch {
        // Nothing, or something that lets nobody look at it.
    }
    throw notText(source);
}

/** Pieces with at most one end of a line, which is then at their end. */
function* piecesOf(chunk: string | Uint8Array): Generator<string | Uint8Array, void, undefined> {
    const isText = typeof chunk === 'string';
    if (!isText && !(chunk instanceof Uint8Array)) {
        throw notText(chunk);
    }
    for (let start = 0; start < chunk.length;) {
        const newline = isText ? chunk.indexOf('\n', start) : chunk.indexOf(NEWLINE, start);
        const end = newline === -1 ? chunk.length : newline + 1;
        yield isText ? chunk.slice(start, end) : chunk.subarray(start, end);
        start = end;
    }
}

function notText(value: unknown): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.INVALID_ARGUMENT,
        `An import takes strings and bytes, or what iterates over them, not ${value === null ? 'null' : `a ${typeof value}`}.`
    );
}
