import type { WatermarkLogger } from '../store.js';

/** So much of the name of an unknown option, and of what is wrong with one, gets into a message. */
const LONGEST_NAME = 60;
const LONGEST_PROBLEM = 1_000;

/** What is wrong with the value of an option, or `undefined`. */
export type OptionCheck = (value: unknown) => string | undefined;

/** The options that there are, each with its check. */
export type OptionChecks = Readonly<Record<string, OptionCheck>>;

/**
 * Every problem of the options by themselves, one sentence each, and the options that were given. One that is
 * `undefined`, as configuration services give it, counts as not given.
 */
export function findOptionProblems(
    options: unknown,
    checks: OptionChecks
): { readonly given: ReadonlyMap<string, unknown>; readonly problems: string[] } {
    if (typeof options !== 'object' || options === null) {
        const found = options === null ? 'null' : typeof options;
        return { given: new Map(), problems: [`expected an object with options, got ${found}`] };
    }
    const given = new Map<string, unknown>();
    try {
        // Each is read once, and only what is the object's own: nothing gets in by a prototype.
        Object.entries(options).forEach(([name, value]) => value !== undefined && given.set(name, value));
    } catch {
        return { given: new Map(), problems: ["expected an object with options, got one that can't be read"] };
    }
    const problems = [...given].flatMap(([name, value]) => {
        const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
        const problem =
            check === undefined
                ? `is unknown; expected one of ${Object.keys(checks).join(', ')}`
                : problemOf(check, value);
        const shown = shortened(name, LONGEST_NAME);
        return problem === undefined ? [] : [`${shown}: ${shortened(problem, LONGEST_PROBLEM)}`];
    });
    return { given, problems };
}

function shortened(text: string, length: number): string {
    return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** What a check has against a value, which may be one that nobody can look at. */
export function problemOf(check: OptionCheck, value: unknown): string | undefined {
    try {
        return check(value);
    } catch {
        return 'expected something that can be read';
    }
}

/** Expects one of these strings. */
export function oneOf(...allowed: readonly string[]): OptionCheck {
    return value =>
        typeof value === 'string' && allowed.includes(value)
            ? undefined
            : `expected ${allowed.map(name => `"${name}"`).join(' or ')}, got ${showValue(value)}`;
}

/** Expects a whole number in this range. */
export function wholeNumber(min: number, max: number): OptionCheck {
    return value =>
        typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
            ? undefined
            : `expected a whole number from ${min} to ${max}, got ${showValue(value)}`;
}

/** Expects `true` or `false`. */
export function flagOption(value: unknown): string | undefined {
    return typeof value === 'boolean' ? undefined : `expected true or false, got ${showValue(value)}`;
}

/** Expects a function. */
export function functionOption(value: unknown): string | undefined {
    return typeof value === 'function' ? undefined : 'expected a function';
}

/** Expects `true` or `false`. */
export function booleanOption(value: unknown): string | undefined {
    return typeof value === 'boolean' ? undefined : `expected true or false, got ${showValue(value)}`;
}

/** Expects a string. */
export function textOption(value: unknown): string | undefined {
    return typeof value === 'string' ? undefined : `expected a string, got ${showValue(value)}`;
}

/** Expects an `AbortSignal`. */
export function signalOption(value: unknown): string | undefined {
    return value instanceof AbortSignal ? undefined : `expected an AbortSignal, got ${showValue(value)}`;
}

/** Expects a {@link WatermarkLogger}. */
export function loggerOption(value: unknown): string | undefined {
    return typeof value === 'object' &&
        value !== null &&
        'warn' in value &&
        typeof value.warn === 'function' &&
        'error' in value &&
        typeof value.error === 'function'
        ? undefined
        : 'expected an object with the methods warn and error';
}

/** A value for a message. Text is never repeated: it may be a secret that stands in the wrong option. */
export function showValue(value: unknown): string {
    if (typeof value === 'string') {
        return value === '' ? 'an empty text' : `a text of ${value.length} characters`;
    }
    return value === null
        ? 'null'
        : typeof value === 'number' || typeof value === 'boolean'
          ? String(value)
          : `a value of type ${typeof value}`;
}

/** What is used where the application gives no logger. */
export const consoleLogger: WatermarkLogger = {
    warn: message => console.warn(message),
    error: (message, error) => (error === undefined ? console.error(message) : console.error(message, error))
};
