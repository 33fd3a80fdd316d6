import { WatermarkError, WatermarkErrorCode, type WatermarkErrorOptions } from '../errors.js';
import { quoted } from '../quoted.js';
import { type OptionCheck, problemOf, showValue } from './option-checks.js';

/**
 * Gives the key back if it can be one: any string that has a UTF-8 form, also the empty one.
 *
 * @throws {WatermarkError} `INVALID_KEY`: not a string, or one with half a surrogate pair.
 */
export function checkKey(key: string): string {
    if (typeof key !== 'string') {
        throw new WatermarkError(
            WatermarkErrorCode.INVALID_KEY,
            `A key must be a string, not ${key === null ? 'null' : typeof key}.`
        );
    }
    if (!key.isWellFormed()) {
        throw new WatermarkError(
            WatermarkErrorCode.INVALID_KEY,
            `The key ${quoted(key)} has half a surrogate pair; expected well-formed Unicode.`
        );
    }
    return key;
}

/**
 * Gives the shard id back if it can be one.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`: empty, or not well-formed.
 */
export function checkShardId(shardId: string): string {
    return checkText('shard id', shardId, quoted);
}

/**
 * Gives the resume token back if it can be one. Messages don't repeat it: what is in it is the upstream's.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`: empty, or not well-formed.
 */
export function checkResumeToken(resumeToken: string): string {
    return checkText('resume token', resumeToken, () => '');
}

/**
 * Gives the revision back if a key can be at it.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`
 */
export function checkExpectedRevision(expectedRevision: number): number {
    if (!Number.isSafeInteger(expectedRevision) || expectedRevision < 1) {
        throw invalidArgument(`expectedRevision must be a positive whole number, not ${showValue(expectedRevision)}.`, {
            remediation: 'Use create() for a key that must not exist.'
        });
    }
    return expectedRevision;
}

/**
 * The items of a list as they are at the call: the list is the caller's, who may go on using it.
 *
 * @param what names it in messages: `resumeTokens`
 * @throws {WatermarkError} `INVALID_ARGUMENT`: nothing that can be gone through
 */
export function checkList<Item>(what: string, items: Iterable<Item>): Item[] {
    try {
        if (typeof items === 'object' && Symbol.iterator in items) {
            return Array.from(items);
        }
    } catch (cause) {
        throw invalidArgument(`${what} can't be gone through.`, { cause });
    }
    throw invalidArgument(`${what} must be a list, not ${typeName(items)}.`);
}

/**
 * Gives a function back.
 *
 * @param what names it in messages: `callback`
 * @throws {WatermarkError} `INVALID_ARGUMENT`
 */
export function checkFunction<F>(what: string, value: F | undefined): F {
    if (typeof value !== 'function') {
        throw invalidArgument(`${what} must be a function, not ${typeName(value)}.`);
    }
    return value;
}

/** Of each option of a call, what is wrong with it. */
export type CallOptionChecks<Options> = { readonly [Name in keyof Options]-?: OptionCheck };

/**
 * The options of a call, each read once; one that is `undefined` counts as not given, and what has no check is left alone.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`
 */
export function checkCallOptions<Options extends object>(
    options: Options | undefined,
    checks: CallOptionChecks<Options>
): Partial<Options> {
    if (options !== undefined && (typeof options !== 'object' || options === null)) {
        throw invalidArgument(`The options must be an object, not ${typeName(options)}.`);
    }
    const given: Partial<Options> = {};
    for (const name of Object.keys(checks) as (keyof Options & string)[]) {
        const value = read(options, name);
        const problem = value === undefined ? undefined : problemOf(checks[name], value);
        if (problem !== undefined) {
            throw invalidArgument(`The option ${name}: ${problem}.`);
        }
        if (value !== undefined) {
            given[name] = value;
        }
    }
    return given;
}

function read<Options extends object, Name extends keyof Options>(
    options: Options | undefined,
    name: Name
): Options[Name] | undefined {
    try {
        return options?.[name];
    } catch (cause) {
        throw invalidArgument(`The option ${String(name)} can't be read.`, { cause });
    }
}

/** A list is sometimes forgotten around a resume token, which no message repeats. */
function typeName(value: unknown): string {
    return value === null ? 'null' : `a value of type ${typeof value}`;
}

function checkText(what: string, text: string, nameOf: (text: string) => string): string {
    if (typeof text !== 'string' || text === '') {
        throw invalidArgument(
            `A ${what} must be a non-empty string, not ${text === '' ? 'an empty one' : typeof text}.`
        );
    }
    if (!text.isWellFormed()) {
        const name = `The ${what} ${nameOf(text)}`.trimEnd();
        throw invalidArgument(`${name} has half a surrogate pair; expected well-formed Unicode.`);
    }
    return text;
}

function invalidArgument(message: string, options: WatermarkErrorOptions = {}): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.INVALID_ARGUMENT, message, options);
}
