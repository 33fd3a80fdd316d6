import { isWatermarkError, type WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import { SECRET } from './hostile.js';

/** No message is longer, whatever it quotes. */
const LONGEST_MESSAGE = 6_000;

/** What a call came to. */
export type Outcome<T> = { readonly value: T } | { readonly code: WatermarkErrorCode };

/**
 * Makes a call that must be answered, or refused with an error of this library: in time, not by throwing, with a message
 * that says something, quotes little and repeats no secret.
 */
export async function outcomeOf<T>(what: string, call: () => Promise<T>): Promise<Outcome<T>> {
    let answer: Promise<T>;
    try {
        answer = call();
    } catch (cause) {
        throw new Error(`${what} throws, where it has to reject`, { cause });
    }
    try {
        return { value: await inTime(what, answer) };
    } catch (error) {
        return { code: checkTyped(what, error) };
    }
}

/** The same for what may throw. */
export function resultOf<T>(what: string, run: () => T): Outcome<T> {
    try {
        return { value: run() };
    } catch (error) {
        return { code: checkTyped(what, error) };
    }
}

function checkTyped(what: string, error: unknown): WatermarkErrorCode {
    if (!isWatermarkError(error)) {
        throw new Error(`${what} fails with what is no WatermarkError: ${String(error)}`, { cause: error });
    }
    const { message } = error;
    if (message === '' || message.length > LONGEST_MESSAGE) {
        throw new Error(`${what} fails with a message of ${message.length} characters: ${message.slice(0, 200)}`);
    }
    for (let at: unknown = error; at instanceof Error; at = at.cause) {
        if (`${at.message}${at.stack ?? ''}`.includes(SECRET)) {
            throw new Error(`${what} fails with a message that repeats a secret: ${at.message}`);
        }
    }
    return error.code;
}

const PATIENCE_MS = 20_000;

async function inTime<T>(what: string, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what} hangs`)), PATIENCE_MS);
    });
    try {
        return await Promise.race([answer, late]);
    } finally {
        clearTimeout(timer);
    }
}

/** Fails if anything has got into the prototypes that everything shares. */
export function checkPrototypes(): void {
    const found = [{}, [], () => {}, ''].flatMap(value => {
        const prototype = Object.getPrototypeOf(value) as object;
        return [...Object.keys(prototype), ...('polluted' in prototype ? ['polluted'] : [])];
    });
    if (found.length > 0) {
        throw new Error(`The prototypes have got ${found.join(', ')}`);
    }
}

/** Whether what came back is what was given: the same own properties, less those that are `undefined`. `-0` is `0`. */
export function isSame(given: unknown, found: unknown): boolean {
    if (typeof given !== 'object' || given === null || typeof found !== 'object' || found === null) {
        return given === found;
    }
    const [names, others] = [given, found].map(value =>
        Reflect.ownKeys(value)
            .filter(name => Reflect.get(value, name) !== undefined && !(Array.isArray(value) && name === 'length'))
            .sort((a, b) => (String(a) < String(b) ? -1 : 1))
    );
    return (
        Array.isArray(given) === Array.isArray(found) &&
        (!Array.isArray(given) || given.length === (found as unknown[]).length) &&
        names?.length === others?.length &&
        (names ?? []).every(
            (name, index) => name === others?.[index] && isSame(Reflect.get(given, name), Reflect.get(found, name))
        )
    );
}
