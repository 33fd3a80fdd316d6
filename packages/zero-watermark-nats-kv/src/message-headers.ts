import { headers as newHeaders, type MsgHdrs } from '@nats-io/transport-node';

/** What tells a write from all others. */
export const MESSAGE_ID = 'Nats-Msg-Id';

/** The condition that a stream ends at a sequence. */
export const LAST_SEQUENCE = 'Nats-Expected-Last-Sequence';

/** The condition at which sequence the last message of the subject is; 0: there is none. */
export const LAST_OF_SUBJECT = 'Nats-Expected-Last-Subject-Sequence';

/** Name and value of a header. */
export type Header = readonly [name: string, value: string];

/** Headers with these names and values. */
export function headersWith(...entries: readonly Header[]): MsgHdrs {
    const result = newHeaders();
    for (const [name, value] of entries) {
        result.set(name, value);
    }
    return result;
}

/**
 * Headers that are encoded here, which takes a fifth of the time (0.3 µs instead of 1.5): the client calls `encode` of what
 * it is given. Should another version of it not do so, it sends a condition that nothing meets, and nothing is stored by
 * mistake.
 */
class EncodedHeaders {
    readonly #encoded: Uint8Array;

    constructor(lines: string) {
        this.#encoded = Buffer.from(`NATS/1.0\r\n${lines}\r\n`, 'latin1');
    }

    encode(): Uint8Array {
        return this.#encoded;
    }
}

Object.setPrototypeOf(EncodedHeaders.prototype, headersWith([LAST_OF_SUBJECT, String(Number.MAX_SAFE_INTEGER)]));

function encodedHeaders(lines: string): MsgHdrs {
    return new EncodedHeaders(lines) as unknown as MsgHdrs;
}

/** Headers of a write: its own id, and the condition under which it is to be stored. */
export function writeHeaders(
    id: string,
    expectedLastOfSubject: number | undefined,
    others: readonly Header[] = []
): MsgHdrs {
    const condition = expectedLastOfSubject === undefined ? '' : lineOf(LAST_OF_SUBJECT, expectedLastOfSubject);
    return encodedHeaders(lineOf(MESSAGE_ID, id) + condition + linesOf(others));
}

/** Makes headers of which the last one is a number that changes from message to message. */
export function headersWithNumber(headers: readonly Header[], last: string): (value: number) => MsgHdrs {
    const others = linesOf(headers);
    return value => encodedHeaders(others + lineOf(last, value));
}

function linesOf(headers: readonly Header[]): string {
    let lines = '';
    for (const [name, value] of headers) {
        lines += lineOf(name, value);
    }
    return lines;
}

function lineOf(name: string, value: string | number): string {
    return `${name}: ${value}\r\n`;
}

/** A header block as it is stored: a status line, then one `Name: value` a line. */
export function parseHeaders(block: string): ReadonlyMap<string, string> {
    const result = new Map<string, string>();
    for (const line of block.split('\r\n').slice(1)) {
        const colon = line.indexOf(':');
        if (colon > 0) {
            result.set(line.slice(0, colon), line.slice(colon + 1).trim());
        }
    }
    return result;
}
