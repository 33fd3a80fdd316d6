import { WatermarkError, WatermarkErrorCode } from './errors.js';
import { quoted } from './quoted.js';

/**
 * A number written so that plain string order is number order: base 36, after one base-36 digit that says how many
 * digits follow, less one (`0` -> `"00"`, `35` -> `"0z"`, `36` -> `"110"`).
 *
 * It is Zero's own encoding of watermarks (zero-cache 1.9, `types/lexi-version.ts`); at most 36 digits.
 */
export type LexiVersion = string;

const MAX_DIGITS = 36;
/** So many digits of a number get into a message. */
const MAX_SHOWN = 60;
const MAX_VERSION = 36n ** BigInt(MAX_DIGITS) - 1n;

/**
 * Encodes a non-negative whole number.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`: negative, fractional, or beyond 36 digits; as `number` also beyond
 *   `Number.MAX_SAFE_INTEGER`, where a neighbour would be encoded instead. Use a `bigint` there.
 */
export function versionToLexi(version: number | bigint): LexiVersion {
    if (typeof version === 'number' && !Number.isSafeInteger(version)) {
        throw invalid(
            `${version} can't be a LexiVersion: expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
            'Pass larger numbers as bigint.'
        );
    }
    if (typeof version !== 'number' && typeof version !== 'bigint') {
        throw invalid(`${describe(version)} can't be a LexiVersion: expected a number or bigint`);
    }
    const value = BigInt(version);
    if (value < 0n || value > MAX_VERSION) {
        const digits = String(value);
        const shown = digits.length > MAX_SHOWN ? `${digits.slice(0, MAX_SHOWN)}…` : digits;
        throw invalid(`${shown} can't be a LexiVersion: expected a whole number from 0 to 36^${MAX_DIGITS} - 1`);
    }
    const digits = value.toString(36);
    return (digits.length - 1).toString(36) + digits;
}

/**
 * Decodes a LexiVersion, without loss at any size.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`: not exactly what {@link versionToLexi} makes (upper case, leading
 *   zeros, a wrong number of digits and `major.minor` forms are refused).
 */
export function versionFromLexi(lexiVersion: LexiVersion): bigint {
    const problem = findProblem(lexiVersion);
    if (problem !== undefined) {
        throw invalid(`${describe(lexiVersion)} is not a LexiVersion: ${problem}`);
    }
    let value = 0n;
    // Ten digits at a time: 36^10 is below 2^53, so that parseInt is exact.
    for (let start = 1; start < lexiVersion.length; start += 10) {
        const chunk = lexiVersion.slice(start, start + 10);
        value = value * 36n ** BigInt(chunk.length) + BigInt(Number.parseInt(chunk, 36));
    }
    return value;
}

/** Tells whether {@link versionFromLexi} would decode `value`. */
export function isLexiVersion(value: unknown): value is LexiVersion {
    return findProblem(value) === undefined;
}

/** Orders two LexiVersions as Zero does: in plain string order. Suits `Array.prototype.sort`. */
export function compareLexiVersions(a: LexiVersion, b: LexiVersion): -1 | 0 | 1 {
    return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The LexiVersion right after this one.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`: not a LexiVersion, or the last there is.
 */
export function oneAfter(lexiVersion: LexiVersion): LexiVersion {
    return versionToLexi(versionFromLexi(lexiVersion) + 1n);
}

/** The smallest of the given LexiVersions. */
export function minLexiVersion(first: LexiVersion, ...others: readonly LexiVersion[]): LexiVersion {
    return others.reduce((smallest, other) => (other < smallest ? other : smallest), first);
}

/** The largest of the given LexiVersions. */
export function maxLexiVersion(first: LexiVersion, ...others: readonly LexiVersion[]): LexiVersion {
    return others.reduce((largest, other) => (other > largest ? other : largest), first);
}

/** The LexiVersion that a watermark is; of a `major.minor` one the major. `undefined`: it is none. */
export function majorOf(watermark: string): LexiVersion | undefined {
    const major = watermark.split('.', 1)[0];
    return isLexiVersion(major) ? major : undefined;
}

function findProblem(value: unknown): string | undefined {
    if (typeof value !== 'string') {
        return 'expected a string';
    }
    if (!/^[0-9a-z]{2,37}$/.test(value)) {
        return 'expected 2 to 37 characters out of 0-9 and a-z';
    }
    const announced = Number.parseInt(value.charAt(0), 36) + 1;
    const actual = value.length - 1;
    if (announced !== actual) {
        return `its first character announces ${announced} digits, but ${actual} follow`;
    }
    if (actual > 1 && value.charAt(1) === '0') {
        return 'leading zeros are not allowed';
    }
    return undefined;
}

function describe(value: unknown): string {
    if (typeof value !== 'string') {
        return `A value of type ${value === null ? 'null' : typeof value}`;
    }
    return quoted(value);
}

function invalid(problem: string, remediation?: string): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.INVALID_ARGUMENT,
        `${problem}.`,
        remediation === undefined ? {} : { remediation }
    );
}
