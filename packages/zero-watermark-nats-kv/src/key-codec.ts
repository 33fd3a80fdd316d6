import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { checkKey, quoted } from '@cbnsndwch/zero-contracts/backend';

/** The longest subject that a key may become, in bytes; the server's control line (4,096) must hold it twice over. */
const MAX_SUBJECT_BYTES = 3_000;

/** What NATS KV itself takes for a key (`nats kv`, ADR-8). */
const LEGAL_KEY = /^[-/_=.0-9A-Za-z]+$/;

/**
 * Turns a key into the part of a subject that stands for it.
 *
 * A key that NATS KV allows stands unchanged, so that `nats kv get BUCKET users` works. Every other key becomes `=`
 * followed by its UTF-8 bytes, letters, digits, `-`, `/` and `_` as they are and each other byte as `=XX`. Keys that
 * start with `=` or with NATS's reserved `_kv` are escaped too: so no two keys ever share a token.
 *
 * @throws {WatermarkError} `INVALID_KEY`: not a string, or one with half a surrogate pair, which has no UTF-8 form.
 */
export function encodeKey(key: string): string {
    if (standsUnchanged(checkKey(key))) {
        return key;
    }
    let token = '=';
    for (const byte of utf8.encode(key)) {
        token += plainByte(byte) ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    }
    return token;
}

/** The key that {@link encodeKey} turned into this token, or `undefined` when it is no such token. */
export function decodeKey(token: string): string | undefined {
    if (!token.startsWith('=')) {
        return standsUnchanged(token) ? token : undefined;
    }
    const bytes: number[] = [];
    for (let index = 1; index < token.length; index += 1) {
        if (token.charAt(index) === '=') {
            bytes.push(Number.parseInt(token.slice(index + 1, index + 3), 16));
            index += 2;
        } else {
            bytes.push(token.charCodeAt(index));
        }
    }
    const key = decodeUtf8(bytes);
    // Only the form that encodeKey makes is ours; another spelling of the same bytes would give one key two tokens.
    return key !== undefined && encodeKey(key) === token ? key : undefined;
}

/**
 * The subject of a key in a bucket.
 *
 * @throws {WatermarkError} `INVALID_KEY`: as {@link encodeKey}, and when the subject would be over 3,000 bytes.
 */
export function subjectOfKey(subjectPrefix: string, key: string): string {
    const subject = subjectPrefix + encodeKey(key);
    if (subject.length > MAX_SUBJECT_BYTES) {
        throw invalidKey(
            `The key ${quoted(key)} is ${subject.length} bytes long as a subject; expected at most ${MAX_SUBJECT_BYTES} ` +
                '(characters other than letters, digits, "-", "_", "/", "=" and "." take three bytes for each of theirs).'
        );
    }
    return subject;
}

function standsUnchanged(key: string): boolean {
    return (
        LEGAL_KEY.test(key) &&
        !key.startsWith('=') &&
        !key.startsWith('_kv') &&
        !key.startsWith('.') &&
        !key.endsWith('.') &&
        !key.includes('..')
    );
}

function plainByte(byte: number): boolean {
    return (
        (byte >= 0x30 && byte <= 0x39) ||
        (byte >= 0x41 && byte <= 0x5a) ||
        (byte >= 0x61 && byte <= 0x7a) ||
        byte === 0x2d ||
        byte === 0x2f ||
        byte === 0x5f
    );
}

function decodeUtf8(bytes: readonly number[]): string | undefined {
    try {
        return strictUtf8.decode(Uint8Array.from(bytes));
    } catch {
        return undefined;
    }
}

function invalidKey(message: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.INVALID_KEY, message);
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
