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

/** Headers of which the last one is a number that changes from message to message. */
export function preparedHeaders(headers: readonly Header[], last: string): MsgHdrs & { setLast(value: number): void } {
    const start = `${headerBlock(headers)}${last}: `;
    let encoded: Uint8Array = Buffer.from('');
    const result = encodedHeaders(() => encoded);
    return Object.assign(result, {
        setLast: (value: number) => {
            encoded = Buffer.from(`${start}${value}\r\n\r\n`, 'latin1');
        }
    });
}

/** Headers of a write: its own id, and the condition under which it is to be stored. */
export function writeHeaders(
    id: string,
    expectedLastOfSubject: number | undefined,
    others: readonly Header[] = []
): MsgHdrs {
    const condition: readonly Header[] =
        expectedLastOfSubject === undefined ? [] : [[LAST_OF_SUBJECT, String(expectedLastOfSubject)]];
    const encoded = Buffer.from(`${headerBlock([[MESSAGE_ID, id], ...condition, ...others])}\r\n`, 'latin1');
    return encodedHeaders(() => encoded);
}

function headerBlock(headers: readonly Header[]): string {
    return headers.reduce((block, [name, value]) => `${block}${name}: ${value}\r\n`, 'NATS/1.0\r\n');
}

/**
 * Headers that are encoded here, which takes a fifth of the time (0.3 µs instead of 1.5): the client calls `encode` of what
 * it is given. Should another version of it not do so, it sends a condition that nothing meets, and nothing is stored by
 * mistake.
 */
function encodedHeaders(encode: () => Uint8Array): MsgHdrs {
    return Object.assign(Object.create(NEVER_MET) as MsgHdrs, { encode });
}

const NEVER_MET = headersWith([LAST_OF_SUBJECT, String(Number.MAX_SAFE_INTEGER)]);

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
