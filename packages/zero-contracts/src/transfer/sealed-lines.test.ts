import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ImportError, WatermarkErrorCode } from '../errors.js';
import type { ExportLines } from './lines.js';
import { type ExportedEntry, type ExportKind, type JsonObject, readExport, writeExport } from './sealed-lines.js';

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
    yield* items;
}

async function written(entries: Iterable<JsonObject>, kind: ExportKind = 'watermarks'): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of writeExport(kind, each(entries))) {
        lines.push(line);
    }
    return lines;
}

async function read(lines: ExportLines, kind: ExportKind = 'watermarks'): Promise<ExportedEntry[]> {
    const entries: ExportedEntry[] = [];
    for await (const block of readExport(kind, lines)) {
        entries.push(...block);
    }
    return entries;
}

/** The error with which reading ends, and what had been taken before. */
async function failureOf(lines: ExportLines, kind: ExportKind = 'watermarks') {
    const taken: ExportedEntry[] = [];
    try {
        for await (const block of readExport(kind, lines)) {
            taken.push(...block);
        }
    } catch (error) {
        if (error instanceof ImportError) {
            return { taken, error };
        }
        throw error;
    }
    throw new Error('it was read to its end');
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `k${index}` }));
const anyEntry = fc.dictionary(
    fc.string({ unit: 'binary' }).filter(name => name !== 'sha256'),
    fc.jsonValue({ stringUnit: 'binary' }),
    { maxKeys: 4 }
);

describe('what was written is read', () => {
    test('whatever it is', async () => {
        await fc.assert(
            fc.asyncProperty(fc.array(anyEntry, { maxLength: 20 }), async entries => {
                const found = await read(await written(entries));
                expect(found.map(({ content }) => content)).toEqual(JSON.parse(JSON.stringify(entries)));
            })
        );
    });

    test.each([0, 1, 999, 1_000, 1_001, 2_000, 3_456])('%i entries', async count => {
        const lines = await written(numbered(count));
        const entries = await read(lines);
        expect(entries.map(({ content }) => content)).toEqual(numbered(count));
        for (const { line, content } of entries) {
            expect(lines[line - 1]).toBe(`${JSON.stringify(content)}\n`);
        }
    });

    test('a form that a person can read', async () => {
        const lines = await written([{ key: 'orders', version: '7' }], 'watermarks');
        expect(lines).toEqual([
            '{"format":"zero-watermarks","version":1,"kind":"watermarks"}\n',
            '{"key":"orders","version":"7"}\n',
            expect.stringMatching(/^\{"sha256":"[0-9a-f]{64}","end":true\}\n$/)
        ]);
    });

    test('block by block: memory holds no more than one', async () => {
        let taken = 0;
        function* counted() {
            for (const entry of numbered(10_000)) {
                taken += 1;
                yield entry;
            }
        }
        let entries = 0;
        for await (const block of readExport('watermarks', writeExport('watermarks', each(counted())))) {
            entries += block.length;
            expect(taken - entries).toBeLessThanOrEqual(1);
            expect(block.length).toBeLessThanOrEqual(1_000);
        }
        const large = Array.from({ length: 30 }, () => ({ text: 'x'.repeat(300_000) }));
        for await (const block of readExport('watermarks', await written(large))) {
            expect(block.length).toBeLessThanOrEqual(4);
        }
    });

    test('also without the end of the last line', async () => {
        const text = (await written(numbered(3))).join('');
        expect(await read(text.trimEnd())).toHaveLength(3);
    });
});

describe('what is not an export is refused with the line', () => {
    test.each<[string, string, RegExp]>([
        ['nothing', '', /cut off/],
        ['another text', 'orders,7\n', /not JSON/],
        ['another list', '{"key":"orders"}\n', /first line of an export/],
        ['a newer release’s', '{"format":"zero-watermarks","version":2,"kind":"watermarks"}\n', /newer release/],
        ['no release’s', '{"format":"zero-watermarks","version":"1","kind":"watermarks"}\n', /"version" is not 1/],
        ['of resume tokens', '{"format":"zero-watermarks","version":1,"kind":"resume-tokens"}\n', /other service/],
        ['of nothing', '{"format":"zero-watermarks","version":1}\n', /"kind" is not "watermarks"/],
        ['that begins with null', 'null\n', /not an object/],
        ['whose prototype would be right', '{"__proto__":{"format":"zero-watermarks"}}\n', /first line of an export/],
        ['with a byte order mark', '﻿{"format":"zero-watermarks"}\n', /not JSON/]
    ])('%s', async (_, text, message) => {
        const { error } = await failureOf(text);
        expect(error).toMatchObject({ code: WatermarkErrorCode.INVALID_EXPORT, line: 1 });
        expect(error.message).toMatch(message);
    });

    test('nor does the other service’s reader take watermarks', async () => {
        const { error } = await failureOf(await written([]), 'resume-tokens');
        expect(error.message).toMatch(/export of watermarks, not of resume-tokens/);
    });

    test.each([
        ['no JSON', 'x'],
        ['an empty line', ''],
        ['a number', '7'],
        ['a list', '[]'],
        ['a text', '"x"']
    ])('%s among the entries', async (_, text) => {
        const lines = await written(numbered(5));
        const { taken, error } = await failureOf(lines.toSpliced(3, 0, `${text}\n`));
        expect(error).toMatchObject({ code: WatermarkErrorCode.INVALID_EXPORT, line: 4 });
        expect(taken).toEqual([]);
    });

    test('lines behind the end', async () => {
        const lines = await written(numbered(5));
        const { error } = await failureOf([...lines, '{"key":"more"}\n']);
        expect(error).toMatchObject({ line: lines.length + 1 });
    });

    test('an endless block', async () => {
        const lines = await written(numbered(3_000));
        const withoutSeals = lines.filter(line => !line.includes('sha256'));
        const { taken, error } = await failureOf(withoutSeals);
        expect(error).toMatchObject({ line: 1_002 });
        expect(taken).toEqual([]);
    });
});

describe('what was changed on the way is noticed, and nothing of its block is taken', () => {
    const entries = numbered(2_500);

    test('cut off anywhere', async () => {
        const text = (await written(entries)).join('');
        await fc.assert(
            fc.asyncProperty(fc.integer({ min: 0, max: text.length - 2 }), async length => {
                const { taken, error } = await failureOf(text.slice(0, length));
                expect(error.code).toBe(WatermarkErrorCode.INVALID_EXPORT);
                expect(taken.map(({ content }) => content)).toEqual(entries.slice(0, taken.length));
                expect(taken.length % 1_000).toBe(0);
            }),
            { numRuns: 50 }
        );
    });

    test('one character altered anywhere', async () => {
        const text = (await written(entries)).join('');
        await fc.assert(
            fc.asyncProperty(fc.integer({ min: 0, max: text.length - 2 }), async at => {
                const altered = `${text.slice(0, at)}${text[at] === '7' ? '8' : '7'}${text.slice(at + 1)}`;
                const { taken, error } = await failureOf(altered);
                expect(error.code).toBe(WatermarkErrorCode.INVALID_EXPORT);
                expect(taken.map(({ content }) => content)).toEqual(entries.slice(0, taken.length));
            }),
            { numRuns: 50 }
        );
    });

    test.each<[string, (lines: string[]) => string[]]>([
        ['a line left out', lines => lines.toSpliced(7, 1)],
        ['a line twice', lines => lines.toSpliced(7, 0, String(lines[7]))],
        ['two lines in another order', lines => lines.toSpliced(7, 2, String(lines[8]), String(lines[7]))],
        ['a whole block left out', lines => lines.toSpliced(1, 1_001)],
        ['other ends of lines', lines => lines.map(line => line.replace('\n', '\r\n'))]
    ])('%s', async (_, change) => {
        const { taken, error } = await failureOf(change(await written(entries)));
        expect(error.message).toMatch(/a seal should stand here|its seal does not fit/);
        expect(taken).toEqual([]);
    });
});

test('an entry that no line holds is refused when it is written', async () => {
    const tooLarge = written([{ text: 'x'.repeat(70 * 1024 * 1024) }]);
    await expect(tooLarge).rejects.toMatchObject({ code: WatermarkErrorCode.VALUE_TOO_LARGE });
});
