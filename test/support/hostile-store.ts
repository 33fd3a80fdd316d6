import { type WatermarkStore, type WatermarkLogger, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import fc from 'fast-check';
import { expect } from 'vitest';

import { type Cost, holds } from './fuzz.js';
import { anyJsonObject, anything, goodText, madeOf, nearlyJson, SECRET } from './hostile.js';
import { goodKey, type HostileCall, hostileCalls, makeCall } from './hostile-calls.js';
import { checkPrototypes, isSame, outcomeOf } from './typed.js';

/* What every store is held to, whatever comes. */

/** A call with any arguments is answered or refused with an error of this library, and the prototypes stay as they are. */
export async function holdsForCalls(store: WatermarkStore, service: HostileCall['service'], cost: Cost): Promise<void> {
    await holds(
        fc.asyncProperty(hostileCalls(service), async call => {
            await outcomeOf(call.method, () => makeCall(store, call));
            checkPrototypes();
        }),
        { cost }
    );
}

/** An iteration with any options ends, with an error of this library if with any. */
export async function holdsForIterations(store: WatermarkStore, cost: Cost): Promise<void> {
    const options = fc.record(
        {
            prefix: fc.oneof(anything, fc.constant('a')),
            includeCurrent: fc.constantFrom(true, true, 1, 'yes', null),
            signal: fc.oneof(anything, fc.constant(undefined)),
            shardIds: anything,
            despiteProblems: anything,
            resumeTokenOf: anything,
            maxInFlight: anything
        },
        { requiredKeys: ['includeCurrent'] }
    );
    const iterations: readonly ((given: never) => AsyncIterable<unknown>)[] = [
        given => store.watermarks.watchAll(given),
        given => store.resumeTokens.exportWatermarks(given),
        given => store.resumeTokens.assignWatermarks('s', given, given)
    ];
    await holds(
        fc.asyncProperty(
            fc.constantFrom(...iterations),
            fc.oneof({ weight: 4, arbitrary: options }, { weight: 1, arbitrary: fc.constantFrom(null, 1, 'a', true) }),
            async (iterate, given) => {
                // Made anew: what is given to a property must stay as it is.
                const made =
                    typeof given === 'object' && given !== null
                        ? Object.fromEntries(Object.entries(given).map(([name, value]) => [name, madeOf(value)]))
                        : given;
                await outcomeOf('an iteration', async () => {
                    for await (const step of iterate(made as never)) {
                        return step;
                    }
                    return undefined;
                });
            }
        ),
        { cost }
    );
}

/** What is stored comes back as it was given, to the letter; what can't is refused, and what was there stays. */
export async function holdsForWatermarks(store: WatermarkStore, cost: Cost): Promise<void> {
    const { watermarks } = store;
    const refusals: readonly unknown[] = [
        WatermarkErrorCode.INVALID_VERSION,
        WatermarkErrorCode.INVALID_DATA,
        WatermarkErrorCode.INVALID_KEY,
        WatermarkErrorCode.VALUE_TOO_LARGE
    ];
    await holds(
        fc.asyncProperty(
            goodKey,
            fc.oneof(goodText, anything),
            fc.oneof(anyJsonObject, anything),
            async (key, version, data) => {
                const [madeVersion, madeData] = [madeOf(version) as string, madeOf(data) as Record<string, unknown>];
                const before = await outcomeOf('get', () => watermarks.get(key));
                const outcome = await outcomeOf('set', () => watermarks.set(key, madeVersion, madeData));
                const after = await outcomeOf('get', () => watermarks.get(key));
                if ('code' in outcome) {
                    expect(refusals).toContain(outcome.code);
                    expect(after).toEqual(before);
                    return;
                }
                const found = 'value' in after ? after.value : null;
                expect(found?.key).toBe(key);
                expect(found?.version).toBe(madeVersion);
                expect(isSame(madeData, found?.data)).toBe(true);
            }
        ),
        { cost }
    );
}

/** A token that is taken leads back to itself from its watermark alone; no message repeats it. */
export async function holdsForTokens(store: WatermarkStore, cost: Cost): Promise<void> {
    const { resumeTokens } = store;
    const shard = fc.constantFrom('s', '__proto__', 'ü.*', ' ');
    await holds(
        fc.asyncProperty(shard, fc.oneof(goodText, nearlyJson, anything), async (shardId, given) => {
            const token = madeOf(given);
            const made = typeof token === 'string' ? `${SECRET}${token}` : token;
            const first = await outcomeOf('getOrCreateWatermark', () =>
                resumeTokens.getOrCreateWatermark(shardId, made as string)
            );
            if ('code' in first) {
                expect([WatermarkErrorCode.INVALID_ARGUMENT, WatermarkErrorCode.VALUE_TOO_LARGE]).toContain(first.code);
                return;
            }
            expect(await resumeTokens.getOrCreateWatermark(shardId, made as string)).toBe(first.value);
            expect(await resumeTokens.getResumeToken(shardId, first.value)).toBe(made);
            expect(await resumeTokens.resume(shardId, first.value)).toEqual({ kind: 'resume', resumeToken: made });
        }),
        { cost }
    );
}

/** A logger that says nothing, but sees to it that no message is endless. */
export const quietLogger: WatermarkLogger = {
    warn: message => expect(message.length).toBeLessThan(2_000),
    error: message => expect(message.length).toBeLessThan(2_000)
};
