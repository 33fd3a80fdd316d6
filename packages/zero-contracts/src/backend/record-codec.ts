import { WatermarkError, WatermarkErrorCode } from '../errors.js';

/** The format that this release writes; raised whenever an older release could misread what a newer one wrote. */
const FORMAT = 1;

/** Deeper than any sensible metadata, and well before the stack ends. */
const MAX_DEPTH = 200;

/** What a watermark keeps in the store; key, revision and time are the store's own. */
export interface RecordContent {
    readonly version: string;
    readonly data?: Record<string, unknown>;
}

/**
 * Encodes a record as JSON that a person can read: `{"format":1,"version":"…","data":{…}}`.
 *
 * `-0` comes back as `0`, which equals it.
 *
 * @throws {WatermarkError} `INVALID_VERSION`: not a non-empty string. `INVALID_DATA`: not a plain object, or something
 *   in it that JSON would change silently; the message names the path.
 */
export function encodeRecord(version: string, data: Record<string, unknown> | undefined): string {
    if (typeof version !== 'string' || version === '') {
        throw new WatermarkError(
            WatermarkErrorCode.INVALID_VERSION,
            `A version must be a non-empty string, not ${version === '' ? 'an empty one' : nameOf(version)}.`
        );
    }
    if (data !== undefined) {
        if (!isPlainObject(data)) {
            throw invalidData('data', `is ${nameOf(data)}; expected a plain object`);
        }
        checkValue(data, 'data', []);
    }
    return JSON.stringify({ format: FORMAT, version, data });
}

/** A record as it was stored, or why it is none. */
export type DecodedRecord =
    { readonly ok: true; readonly content: RecordContent } | { readonly ok: false; readonly reason: string };

/** Decodes what {@link encodeRecord} made, or its UTF-8. Never throws: whatever stands in a store gets a reason. */
export function decodeRecord(stored: string | Uint8Array): DecodedRecord {
    let parsed: unknown;
    try {
        parsed = JSON.parse(typeof stored === 'string' ? stored : strictUtf8.decode(stored));
    } catch {
        return { ok: false, reason: 'it is not JSON' };
    }
    if (!isPlainObject(parsed)) {
        return { ok: false, reason: 'it is JSON, but not an object' };
    }
    const { format, version, data } = parsed;
    if (format !== FORMAT) {
        return typeof format === 'number' && format > FORMAT
            ? { ok: false, reason: `it has format ${format}, which a newer release wrote; this one knows ${FORMAT}` }
            : { ok: false, reason: `it has no "format": ${FORMAT}` };
    }
    if (typeof version !== 'string' || version === '') {
        return { ok: false, reason: 'its "version" is not a non-empty string' };
    }
    if (data === undefined) {
        return { ok: true, content: { version } };
    }
    return isPlainObject(data)
        ? { ok: true, content: { version, data } }
        : { ok: false, reason: 'its "data" is not an object' };
}

/** Refuses what JSON would change silently. `parents` are the objects that contain this one. */
function checkValue(value: unknown, path: string, parents: readonly object[]): void {
    switch (typeof value) {
        case 'string':
        case 'boolean':
            return;
        case 'number':
            if (!Number.isFinite(value)) {
                throw invalidData(path, `is ${value}, which JSON turns into null`);
            }
            return;
        case 'object':
            break;
        default:
            throw invalidData(path, `is ${nameOf(value)}, which JSON can't hold`);
    }
    if (value === null) {
        return;
    }
    if (parents.includes(value)) {
        throw invalidData(path, 'contains itself');
    }
    if (parents.length >= MAX_DEPTH) {
        throw invalidData(path.slice(0, 60), `is nested more than ${MAX_DEPTH} levels deep`);
    }
    const ancestors = [...parents, value];
    if (Array.isArray(value)) {
        for (let index = 0; index < value.length; index += 1) {
            checkValue(value[index], `${path}[${index}]`, ancestors);
        }
        return;
    }
    if (!isPlainObject(value)) {
        throw invalidData(path, `is ${nameOf(value)}, which JSON would not give back; expected a plain object`);
    }
    if (Object.getOwnPropertySymbols(value).length > 0) {
        throw invalidData(path, 'has a property named by a symbol, which JSON leaves out');
    }
    for (const [name, property] of Object.entries(value)) {
        if (property !== undefined) {
            checkValue(property, pathTo(path, name), ancestors);
        }
    }
}

function pathTo(path: string, name: string): string {
    return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return false;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    // A plain object of another realm (a vm context, a test runner) has that realm's Object.prototype.
    return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function nameOf(value: unknown): string {
    if (value === null || value === undefined) {
        return String(value);
    }
    if (typeof value !== 'object') {
        return `a ${typeof value}`;
    }
    return Array.isArray(value) ? 'an array' : `an instance of ${value.constructor?.name ?? 'an unnamed class'}`;
}

function invalidData(path: string, problem: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.INVALID_DATA, `${path} ${problem}.`);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
