import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';

import { decodeRecord, encodeRecord, majorOf, positionOf } from '../../src/backend.js';
import { isLexiVersion, versionFromLexi, versionToLexi, WatermarkErrorCode } from '../../src/index.js';

import { holds } from '../../../../test/support/fuzz.js';
import {
    almost,
    anyJsonObject,
    anything,
    anyText,
    bytesLike,
    madeOf,
    nearlyJson
} from '../../../../test/support/hostile.js';
import { checkPrototypes, isSame, resultOf } from '../../../../test/support/typed.js';

const { INVALID_ARGUMENT, INVALID_DATA, INVALID_VERSION } = WatermarkErrorCode;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

afterEach(checkPrototypes);

describe('records', () => {
    test('what is encoded comes back as it was; anything else is refused', async () => {
        const data = fc.oneof(anyJsonObject, anything, fc.dictionary(anyText, anything));
        await holds(
            fc.property(fc.oneof(anyText, anything), data, (version, given) => {
                const [madeVersion, madeData] = [madeOf(version), inside(given)];
                const outcome = resultOf('encodeRecord', () =>
                    encodeRecord(madeVersion as string, madeData as Record<string, unknown>)
                );
                if ('code' in outcome) {
                    expect([INVALID_VERSION, INVALID_DATA]).toContain(outcome.code);
                    return;
                }
                const decoded = decodeRecord(outcome.value);
                expect(decoded.ok).toBe(true);
                expect(decoded.ok && decoded.content.version === madeVersion).toBe(true);
                expect(decoded.ok && isSame(madeData, decoded.content.data)).toBe(true);
            })
        );
    });

    test('what is found anywhere is a record that can be encoded again, or there is a reason why not', async () => {
        const shape = { format: fc.constantFrom(1, 2, '1'), version: anyText, data: anyJsonObject };
        const text = fc.oneof(
            almost(shape).map(record => JSON.stringify(record)),
            nearlyJson,
            nearlyJson.map(data => `{"format":1,"version":"v","data":{"a":${data}}}`)
        );
        await holds(
            fc.property(fc.oneof(text, bytesLike(text)), stored => {
                const decoded = decodeRecord(stored);
                if (!decoded.ok) {
                    expect(decoded.reason).toMatch(/^(it|its) .{5,300}$/s);
                    return;
                }
                const { version, data } = decoded.content;
                const again = decodeRecord(encodeRecord(version, data));
                expect(again.ok && again.content.version === version && isSame(data, again.content.data)).toBe(true);
            })
        );
    });

    test('bytes that are no UTF-8 are no record', async () => {
        await holds(
            fc.property(bytesLike(anyJsonObject.map(data => encodeRecord('v', data))), stored => {
                const isText = isUtf8(stored);
                expect(isText || !decodeRecord(stored).ok).toBe(true);
            })
        );
    });
});

describe('LexiVersions', () => {
    test('what comes over the wire is one that encodes to itself, or is refused', async () => {
        const digits = fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcxyzAZ. \n')), maxLength: 40 });
        const wire = fc.oneof(
            anyText,
            anything,
            digits,
            fc.bigInt({ min: 0n, max: 36n ** 36n - 1n }).map(versionToLexi)
        );
        await holds(
            fc.property(wire, given => {
                const value = madeOf(given) as string;
                const outcome = resultOf('versionFromLexi', () => versionFromLexi(value));
                expect('value' in outcome).toBe(isLexiVersion(value));
                expect('value' in outcome ? versionToLexi(outcome.value) : INVALID_ARGUMENT).toBe(
                    'value' in outcome ? value : outcome.code
                );
                if (typeof value === 'string') {
                    const major = majorOf(value);
                    expect(major === undefined || value === major || value.startsWith(`${major}.`)).toBe(true);
                    const sequence = positionOf(value)?.sequence ?? 1;
                    expect(Number.isSafeInteger(sequence) && sequence > 0).toBe(true);
                }
            })
        );
    });

    test('numbers that are none are refused', async () => {
        await holds(
            fc.property(fc.oneof(anything, fc.double(), fc.bigInt()), given => {
                const value = madeOf(given) as bigint;
                const outcome = resultOf('versionToLexi', () => versionToLexi(value));
                expect('code' in outcome ? outcome.code : versionFromLexi(outcome.value)).toBe(
                    'code' in outcome ? INVALID_ARGUMENT : BigInt(value)
                );
            })
        );
    });
});

/** Traps also inside of an object. */
function inside(given: unknown): unknown {
    const made = madeOf(given);
    if (made !== given || typeof given !== 'object' || given === null || Array.isArray(given)) {
        return made;
    }
    const prototype: unknown = Object.getPrototypeOf(given);
    return prototype === Object.prototype
        ? Object.fromEntries(Object.entries(given).map(([name, value]) => [name, madeOf(value)]))
        : given;
}

function isUtf8(bytes: Uint8Array): boolean {
    try {
        strictUtf8.decode(bytes);
        return true;
    } catch {
        return false;
    }
}
