import { InvalidOptionsError } from '@cbnsndwch/zero-contracts';
import fc from 'fast-check';
import { expect } from 'vitest';

import { holds } from './fuzz.js';
import { anything, anyText, madeOf, SECRET } from './hostile.js';
import { checkPrototypes, resultOf } from './typed.js';

/** Any options are taken as they are, or refused with every problem; nothing gets in by a prototype. */
export async function holdsForOptions(
    names: readonly string[],
    good: Readonly<Record<string, unknown>>,
    resolve: (options: never) => object,
    secrets: readonly string[] = []
): Promise<void> {
    const values = fc.oneof(anything, anyText);
    const secret = fc.constantFrom<unknown>(SECRET, [SECRET], [`nats://user:${SECRET}@host`], { [SECRET]: SECRET }, 1);
    const withSecrets = fc.dictionary(fc.constantFrom('', ...secrets), secret, { maxKeys: 3 });
    const options = fc.oneof(
        { weight: 1, arbitrary: anything },
        ...(secrets.length === 0 ? [] : [{ weight: 2, arbitrary: withSecrets }]),
        { weight: 4, arbitrary: fc.dictionary(fc.oneof(fc.constantFrom(...names), anyText), values, { maxKeys: 5 }) }
    );
    await holds(
        fc.property(options, fc.constantFrom({}, good), (given, base) => {
            const made = madeOf(given);
            const isPlain = made === given && typeof made === 'object' && made !== null && !Array.isArray(made);
            const options = isPlain
                ? { ...base, ...Object.fromEntries(Object.entries(made).map(([name, value]) => [name, madeOf(value)])) }
                : made;
            const outcome = resultOf('resolveOptions', () => resolve(options as never));
            checkPrototypes();
            if ('code' in outcome) {
                expect(outcome.code).toBe('ERR_WATERMARK_INVALID_OPTIONS');
            } else {
                expect(Object.isFrozen(outcome.value)).toBe(true);
            }
        })
    );
}

/** Options that come by a prototype, as from JSON that was merged into an object, count for nothing. */
export function expectOwnOptionsOnly(
    good: Readonly<Record<string, unknown>>,
    inherited: Readonly<Record<string, unknown>>,
    resolve: (options: never) => object
): void {
    const merged: unknown = Object.assign({}, JSON.parse(`{"__proto__":${JSON.stringify(inherited)}}`), good);
    expect(resolve(merged as never)).toEqual(resolve(good as never));
    const named: unknown = { ...good, ...JSON.parse(`{"__proto__":${JSON.stringify(inherited)}}`) };
    expect(() => resolve(named as never)).toThrow(InvalidOptionsError);
    checkPrototypes();
}
