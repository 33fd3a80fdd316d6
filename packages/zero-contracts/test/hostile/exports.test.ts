import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type ExportLines, WatermarkErrorCode, type WatermarkStore } from '../../src/index.js';
import { openMemoryStore } from '../../src/memory.js';
import { readLines } from '../../src/transfer/lines.js';

import { holds } from '../../../../test/support/fuzz.js';
import {
    almost,
    anyJsonObject,
    anyText,
    bytesLike,
    damage,
    goodText,
    nearlyJson
} from '../../../../test/support/hostile.js';
import { quietLogger } from '../../../../test/support/hostile-store.js';
import { checkPrototypes, outcomeOf } from '../../../../test/support/typed.js';

const { INVALID_ARGUMENT, INVALID_EXPORT, IMPORT_CONFLICT } = WatermarkErrorCode;
const utf8 = new TextEncoder();
const open = () => openMemoryStore({ logger: quietLogger });

async function textOf(lines: AsyncIterable<string>): Promise<string> {
    let text = '';
    for await (const line of lines) {
        text += line;
    }
    return text;
}

async function exported(entries: readonly (readonly [string, Record<string, unknown>])[]): Promise<string> {
    await using store = open();
    for (const [key, data] of entries) {
        await store.watermarks.set(key, 'v', data);
    }
    return await textOf(store.watermarks.exportWatermarks());
}

/** Lines that are sealed as an export has them, whatever they are. */
async function sealed(header: string, lines: readonly string[]): Promise<string> {
    const text = `${[header, ...lines].join('\n')}\n`;
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', utf8.encode(text))).toString('hex');
    return `${text}{"sha256":"${digest}","end":true}\n`;
}

const contentsOf = async (store: WatermarkStore) =>
    [...(await store.watermarks.getAll()).values()].map(({ key, version, data }) => ({ key, version, data }));

describe('an export', () => {
    test('that was damaged anywhere is refused, and nothing of the damaged block is taken', async () => {
        const entries = fc.array(fc.tuple(goodText, anyJsonObject), { minLength: 1, maxLength: 5 });
        const harm = fc.oneof(
            damage.map(change => (text: string) => change(utf8.encode(text))),
            fc.tuple(fc.nat(), fc.nat()).map(([from, to]) => (text: string) => {
                const lines = text.trimEnd().split('\n');
                const [line = ''] = lines.splice(from % lines.length, 1);
                lines.splice(to % (lines.length + 1), 0, line);
                return `${lines.join('\n')}\n`;
            })
        );
        await holds(
            fc.asyncProperty(entries, harm, async (given, change) => {
                const text = await exported(given);
                const changed = change(text);
                await using store = open();
                const outcome = await outcomeOf('importWatermarks', () => store.watermarks.importWatermarks(changed));
                if ('code' in outcome) {
                    expect(outcome.code).toBe(INVALID_EXPORT);
                    expect(await contentsOf(store)).toEqual([]);
                    return;
                }
                // What may change without a word are spaces around the last seal.
                await using whole = open();
                await whole.watermarks.importWatermarks(text);
                expect(await contentsOf(store)).toEqual(await contentsOf(whole));
            }),
            { cost: 'call' }
        );
    });

    test('that somebody made up is taken or refused line by line, and what it is taken for comes back', async () => {
        const entry = fc.oneof(
            almost({ key: goodText, version: goodText, data: anyJsonObject }).map(value => JSON.stringify(value)),
            nearlyJson
        );
        const header = '{"format":"zero-watermarks","version":1,"kind":"watermarks"}';
        await holds(
            fc.asyncProperty(fc.array(entry, { maxLength: 6 }), async lines => {
                await using store = open();
                const text = await sealed(header, lines);
                const outcome = await outcomeOf('importWatermarks', () => store.watermarks.importWatermarks(text));
                checkPrototypes();
                if ('code' in outcome) {
                    expect(outcome.code).toBe(INVALID_EXPORT);
                    return;
                }
                const found = await contentsOf(store);
                expect(found).toHaveLength(outcome.value.created);
                const given = lines.map(line => JSON.parse(line) as { key: string; version: string });
                for (const { key, version } of found) {
                    expect(given.some(each => each.key === key && each.version === version)).toBe(true);
                }
                await using other = open();
                await other.watermarks.importWatermarks(store.watermarks.exportWatermarks());
                expect(await contentsOf(other)).toEqual(found);
            }),
            { cost: 'call' }
        );
    });

    test('of resume tokens that somebody made up gives no token two watermarks', async () => {
        const entry = fc.oneof(
            almost({
                shard: fc.constantFrom('s', '__proto__', 't'),
                watermark: fc.constantFrom('00', '01', '02', '0z', '110', 'b1234567890ab', `z${'z'.repeat(36)}`),
                token: fc.oneof(fc.constantFrom('1', '2'), anyText),
                sync: fc.boolean()
            }).map(value => JSON.stringify(value)),
            nearlyJson
        );
        const header = '{"format":"zero-watermarks","version":1,"kind":"resume-tokens"}';
        await holds(
            fc.asyncProperty(fc.array(entry, { maxLength: 5 }), async lines => {
                await using store = open();
                const text = await sealed(header, lines);
                const { resumeTokens } = store;
                const outcome = await outcomeOf('importWatermarks', () => resumeTokens.importWatermarks(text));
                checkPrototypes();
                if ('code' in outcome) {
                    expect([INVALID_EXPORT, IMPORT_CONFLICT]).toContain(outcome.code);
                    return;
                }
                for (const line of lines) {
                    const { shard, token, watermark, sync } = JSON.parse(line) as Record<string, string>;
                    expect(await resumeTokens.getResumeToken(String(shard), String(watermark))).toBe(token);
                    const again = await resumeTokens.getOrCreateWatermark(String(shard), String(token));
                    expect(sync || again).toBe(sync || watermark);
                }
            }),
            { cost: 'call' }
        );
    });
});

describe('lines', () => {
    test('of any bytes, in any pieces, are read or refused', async () => {
        const pieces = fc.array(fc.oneof(bytesLike(anyText), anyText, nearlyJson), { maxLength: 6 });
        await holds(
            fc.asyncProperty(pieces, async chunks => {
                const outcome = await outcomeOf('readLines', async () => {
                    let text = '';
                    for await (const line of readLines(chunks as ExportLines)) {
                        text += `${line.text}\n`;
                    }
                    return text;
                });
                const whole = Buffer.concat(chunks.map(chunk => Buffer.from(chunk as string)));
                if ('code' in outcome) {
                    expect([INVALID_EXPORT, INVALID_ARGUMENT]).toContain(outcome.code);
                } else if (chunks.every(chunk => typeof chunk !== 'string' || chunk.isWellFormed())) {
                    expect(outcome.value.trimEnd()).toBe(whole.toString('utf8').trimEnd());
                }
            })
        );
    });

    test('that come in small pieces take time for their length, not for its square', async () => {
        const begin = performance.now();
        const piece = Buffer.alloc(16, 'x');
        const pieces = Array.from({ length: 65_536 }, () => piece);
        for await (const line of readLines(pieces)) {
            expect(line.text).toHaveLength(1024 * 1024);
        }
        // About 50 ms. When each piece was looked at together with all before it, it was more than ten seconds.
        expect(performance.now() - begin).toBeLessThan(4_000);
    });
});
