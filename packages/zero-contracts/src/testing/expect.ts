import { isWatermarkError, type WatermarkError, type WatermarkErrorCode } from '../errors.js';

/** What was expected and was not so. The suite adds whose promise that breaks. */
class Unexpected extends Error {
    override readonly name = 'Unexpected';
}

/** Fails unless `condition` holds. */
export function holds(condition: boolean, what: string): asserts condition {
    if (!condition) {
        throw new Unexpected(`${what}: that is not so`);
    }
}

/** Fails unless two values are the same through and through; `0` and `-0` are. */
export function equals(actual: unknown, expected: unknown, what: string): void {
    if (!same(actual, expected)) {
        throw new Unexpected(`${what}: expected ${show(expected)}, got ${show(actual)}`);
    }
}

/** Fails unless `actual` has all that `pattern` has; it may have more properties. */
export function matches(actual: unknown, pattern: object, what: string): void {
    if (!includes(actual, pattern)) {
        throw new Unexpected(`${what}: expected at least ${show(pattern)}, got ${show(actual)}`);
    }
}

/** Fails unless each value is above the one before it. */
export function grows<T extends string | number>(values: readonly T[], what: string): void {
    const index = values.findIndex((value, at) => at > 0 && !(value > (values[at - 1] as T)));
    if (index !== -1) {
        throw new Unexpected(
            `${what}: ${show(values[index])} comes after ${show(values[index - 1])}, and is not above it`
        );
    }
}

/** Fails if a value is missing, and gives it otherwise. */
export function present<T>(value: T | null | undefined, what: string): T {
    if (value === null || value === undefined) {
        throw new Unexpected(`${what}: expected a value, got ${show(value)}`);
    }
    return value;
}

/** Fails unless the call gives a promise that is rejected with a {@link WatermarkError} of this code. Gives the error. */
export async function rejects(
    code: WatermarkErrorCode,
    call: () => Promise<unknown>,
    what: string
): Promise<WatermarkError> {
    const error = await rejectionOf(call, what);
    if (!isWatermarkError(error, code)) {
        throw new Unexpected(`${what}: expected ${code}, got ${show(error)}`, { cause: error });
    }
    return error;
}

/** What the call is rejected with; fails if it throws at once or resolves. */
export async function rejectionOf(call: () => Promise<unknown>, what: string): Promise<unknown> {
    let running: Promise<unknown>;
    try {
        running = call();
    } catch (error) {
        throw new Unexpected(`${what}: expected a rejection, but ${show(error)} was thrown at once`, { cause: error });
    }
    const outcome = await running.then(
        value => ({ value }),
        (error: unknown) => ({ error })
    );
    if ('error' in outcome) {
        return outcome.error;
    }
    throw new Unexpected(`${what}: expected a rejection, but it resolved with ${show(outcome.value)}`);
}

function same(a: unknown, b: unknown): boolean {
    if (Object.is(a, b) || (a === 0 && b === 0)) {
        return true;
    }
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
        return false;
    }
    if (a instanceof Map && b instanceof Map) {
        return a.size === b.size && [...a].every(([key, value]) => b.has(key) && same(value, b.get(key)));
    }
    const keys = Object.keys(a);
    return (
        Array.isArray(a) === Array.isArray(b) &&
        a instanceof Map === b instanceof Map &&
        keys.length === Object.keys(b).length &&
        keys.every(key => Object.hasOwn(b, key) && same(propertyOf(a, key), propertyOf(b, key)))
    );
}

function includes(actual: unknown, pattern: unknown): boolean {
    if (typeof pattern !== 'object' || pattern === null || typeof actual !== 'object' || actual === null) {
        return same(actual, pattern);
    }
    return (
        (!Array.isArray(pattern) || (Array.isArray(actual) && actual.length === pattern.length)) &&
        Object.keys(pattern).every(key => includes(propertyOf(actual, key), propertyOf(pattern, key)))
    );
}

function propertyOf(value: object, key: string): unknown {
    return (value as Record<string, unknown>)[key];
}

/** A value for people, not too long. */
export function show(value: unknown): string {
    if (value instanceof Error) {
        return 'code' in value ? `${value.name} ${String(value.code)} (${value.message})` : String(value);
    }
    const text =
        JSON.stringify(value, (_, part: unknown) => {
            if (part instanceof Map) {
                return { Map: [...part] };
            }
            return part === undefined || typeof part === 'bigint' || typeof part === 'symbol' ? String(part) : part;
        }) ?? String(value);
    return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
