import type { WatermarkStore } from '@cbnsndwch/zero-contracts';
import fc from 'fast-check';

import { anyJsonObject, anything, anyText, goodText, madeOf } from './hostile.js';

/** A call of a public method with any arguments. */
export interface HostileCall {
    readonly service: 'watermarks' | 'resumeTokens';
    readonly method: string;
    readonly args: readonly unknown[];
}

/** Few names, so that calls meet each other. */
const key = fc.oneof(fc.constantFrom('a', 'b', '__proto__'), anyText);
const shard = fc.oneof(fc.constantFrom('s', 'constructor'), anyText);
const token = fc.oneof(fc.constantFrom('1', '2', '__proto__'), anyText);
const version = fc.oneof(fc.constantFrom('1', '2', 'v'), anyText);
const revision = fc.oneof(fc.constantFrom(0, 1, 2, -1, 1.5, Number.NaN, 2 ** 53, Infinity), fc.nat({ max: 100 }));
const watermark = fc.oneof(fc.constantFrom('00', '01.5', 'b1234567890ab', 'a'.repeat(37)), anyText);
const compare = fc.constantFrom<(a: string, b: string) => unknown>(
    (a, b) => a.length - b.length,
    () => Number.NaN,
    () => 'larger',
    () => undefined
);
const options = fc.oneof(
    fc.constantFrom(undefined, null, {}, { includeCurrent: true }, { onConflict: 'replace' }, { prefix: 'a' }),
    fc.record({ compare }),
    anything,
    fc.record(
        { includeCurrent: anything, onDelete: anything, prefix: anything, signal: anything, onConflict: anything },
        { requiredKeys: [] }
    )
);
const data = fc.oneof(fc.constant(undefined), anyJsonObject);
const lines = fc.oneof(anyText, fc.array(anyText, { maxLength: 3 }), fc.uint8Array());
const callback = fc.constant(() => {});

/** The methods, and what their arguments are if they are as they should be. */
const METHODS: Readonly<Record<HostileCall['service'], Readonly<Record<string, readonly fc.Arbitrary<unknown>[]>>>> = {
    watermarks: {
        get: [key],
        set: [key, version, data],
        delete: [key],
        getMany: [fc.array(key, { maxLength: 3 })],
        create: [key, version, data],
        compareAndSet: [key, revision, version, data],
        advance: [key, version, data, options],
        history: [key],
        watch: [key, callback, options],
        importWatermarks: [lines, options]
    },
    resumeTokens: {
        getOrCreateWatermark: [shard, token],
        getOrCreateWatermarks: [shard, fc.array(token, { maxLength: 3 })],
        getResumeToken: [shard, watermark],
        resume: [shard, fc.oneof(watermark, fc.constant(undefined))],
        beginSync: [shard, token],
        acknowledge: [shard, watermark],
        abandon: [shard],
        head: [shard],
        provision: [fc.array(shard, { maxLength: 2 })],
        importWatermarks: [lines]
    }
};

/** A call in which about every fourth argument is anything at all. */
export function hostileCalls(service: HostileCall['service']): fc.Arbitrary<HostileCall> {
    const calls = Object.entries(METHODS[service]).map(([method, parameters]) =>
        fc
            .tuple(
                ...parameters.map(good => fc.oneof({ weight: 3, arbitrary: good }, { weight: 1, arbitrary: anything }))
            )
            .chain(args => fc.nat({ max: args.length }).map(missing => (missing === 0 ? args.slice(0, -1) : args)))
            .map(args => ({ service, method, args }))
    );
    return fc.oneof(...calls);
}

/** Makes the call; a watch that it opens is ended. */
export async function makeCall(store: WatermarkStore, { service, method, args }: HostileCall): Promise<unknown> {
    const methods = store[service] as unknown as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
    const answer = await methods[method]?.(...args.map(madeOf));
    if (method === 'watch' && typeof answer === 'function') {
        (answer as () => void)();
    }
    return answer;
}

/** Well-formed keys. */
export const goodKey = fc.oneof(
    fc.constantFrom('a', 'b', '__proto__'),
    goodText.filter(text => text.length < 300)
);
