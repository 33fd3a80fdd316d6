import { isWatermarkError, WatermarkError, WatermarkErrorCode } from '../errors.js';

/** The format that this release writes; raised whenever an older release could misread what a newer one wrote. */
const FORMAT = 1;

/** Deeper than any sensible metadata, and well before the stack ends. */
const MAX_DEPTH = 200;

/** So much of a path, or of the name of a class, gets into a message. */
const LONGEST_PATH = 200;
const LONGEST_NAME = 60;
const UNNAMED = 'an unnamed class';

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
    if (data === undefined) {
        // The same text as below, in a third of the time.
        return `{"format":${FORMAT},"version":${JSON.stringify(version)}}`;
    }
    try {
        checkData(data);
        return JSON.stringify({ format: FORMAT, version, data });
    } catch (error) {
        // A property may be a function that throws, or that gives something else each time it is asked.
        throw isWatermarkError(error) ? error : invalidData('data', "can't be read", error);
    }
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
    if (!isPlainObject(data)) {
        return { ok: false, reason: 'its "data" is not an object' };
    }
    const flaw = flawOf(data);
    return flaw === undefined ? { ok: true, content: { version, data } } : { ok: false, reason: `its "data" ${flaw}` };
}

/** JSON can hold what nobody can pass on: numbers that are infinite here, and more levels than a stack. */
function flawOf(value: unknown, depth = 0): string | undefined {
    if (typeof value === 'number') {
        return Number.isFinite(value) ? undefined : 'has a number that is too large';
    }
    if (typeof value !== 'object' || value === null) {
        return undefined;
    }
    if (depth >= MAX_DEPTH) {
        return `is nested more than ${MAX_DEPTH} levels deep`;
    }
    for (const part of Array.isArray(value) ? value : Object.values(value)) {
        const flaw = flawOf(part, depth + 1);
        if (flaw !== undefined) {
            return flaw;
        }
    }
    return undefined;
}

function checkData(data: Record<string, unknown>): void {
    if (!isPlainObject(data)) {
        throw invalidData('data', `is ${nameOf(data)}; expected a plain object`);
    }
    checkPart({ value: data, name: undefined, within: undefined, depth: 0 });
}

/** An object or array in the data, and the way to it. */
interface Part {
    readonly value: object;
    /** Its name in the part that contains it; `undefined` for the data itself. */
    readonly name: string | number | undefined;
    readonly within: Part | undefined;
    readonly depth: number;
}

/** Refuses what JSON would change silently. The way is put into words only for an error: every write comes by here. */
function checkPart(part: Part): void {
    const { value, within, depth } = part;
    for (let outer = within; outer !== undefined; outer = outer.within) {
        if (outer.value === value) {
            throw invalidData(pathOf(part), 'contains itself');
        }
    }
    if (depth >= MAX_DEPTH) {
        throw invalidData(pathOf(part), `is nested more than ${MAX_DEPTH} levels deep`);
    }
    if (Array.isArray(value)) {
        // By number, because a hole in an array is none of its values.
        for (let index = 0; index < value.length; index += 1) {
            checkValue(value[index], index, part);
        }
        // Its length is one of its own names.
        if (Reflect.ownKeys(value).length > value.length + 1 || 'toJSON' in value) {
            throw invalidData(pathOf(part), 'has properties beside its items, which JSON leaves out');
        }
        return;
    }
    if (!isPlainObject(value)) {
        throw invalidData(pathOf(part), `is ${nameOf(value)}, which JSON would not give back; expected a plain object`);
    }
    if (Object.getOwnPropertySymbols(value).length > 0) {
        throw invalidData(pathOf(part), 'has a property named by a symbol, which JSON leaves out');
    }
    const names = Object.keys(value);
    if (Object.getOwnPropertyNames(value).length > names.length) {
        throw invalidData(pathOf(part), 'has a property that is not enumerable, which JSON leaves out');
    }
    for (const name of names) {
        const property = value[name];
        if (property !== undefined) {
            checkValue(property, name, part);
        }
    }
}

function checkValue(value: unknown, name: string | number, within: Part): void {
    if (typeof value === 'string' || typeof value === 'boolean' || value === null || Number.isFinite(value)) {
        return;
    }
    if (typeof value === 'object') {
        checkPart({ value, name, within, depth: within.depth + 1 });
        return;
    }
    throw invalidData(
        pathOf(within) + step(name),
        typeof value === 'number'
            ? `is ${value}, which JSON turns into null`
            : `is ${nameOf(value)}, which JSON can't hold`
    );
}

function pathOf({ name, within }: Part): string {
    return name === undefined || within === undefined ? 'data' : pathOf(within) + step(name);
}

function step(name: string | number): string {
    return typeof name === 'string' && /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return false;
    }
    const prototype = Object.getPrototypeOf(value) as object | null;
    // A plain object of another realm (a vm context, a test runner) has that realm's Object.prototype.
    return (
        prototype === null ||
        prototype === Object.prototype ||
        (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
    );
}

function nameOf(value: unknown): string {
    if (value === null || value === undefined) {
        return String(value);
    }
    if (typeof value !== 'object') {
        return `a ${typeof value}`;
    }
    try {
        if (Array.isArray(value)) {
            return 'an array';
        }
        const name: unknown = value.constructor.name;
        const isNamed = typeof name === 'string' && name !== '';
        return `an instance of ${isNamed ? name.slice(0, LONGEST_NAME) : UNNAMED}`;
    } catch {
        // Its constructor is none, or it lets nobody look at it.
        return `an instance of ${UNNAMED}`;
    }
}

function invalidData(path: string, problem: string, cause?: unknown): WatermarkError {
    const shown = path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path;
    return new WatermarkError(WatermarkErrorCode.INVALID_DATA, `${shown} ${problem}.`, { cause });
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
