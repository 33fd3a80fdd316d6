import { Readable } from 'node:stream';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { WatermarkErrorCode } from '../errors.js';
import { type ExportLines, type Line, MAX_LINE_LENGTH, readLines } from './lines.js';

async function linesOf(source: ExportLines): Promise<Line[]> {
    const lines: Line[] = [];
    for await (const line of readLines(source)) {
        lines.push(line);
    }
    return lines;
}

const utf8 = new TextEncoder();

/** Cuts a text or bytes in places that are given as shares of the whole. */
function cut<T extends string | Uint8Array>(whole: T, places: readonly number[]): (string | Uint8Array)[] {
    const ends = [...places.map(place => Math.floor(place * whole.length)).toSorted((a, b) => a - b), whole.length];
    return ends.map((end, index) => whole.slice(ends[index - 1] ?? 0, end));
}

const anyText = fc.string({ unit: fc.constantFrom('a', '\n', 'ü', '漢', '😀', '\r', '\0', '﻿') });
const anyPlaces = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

test('lines come out as they are, however the text or its bytes are cut', async () => {
    await fc.assert(
        fc.asyncProperty(anyText, anyPlaces, fc.boolean(), async (text, places, asBytes) => {
            const chunks = asBytes ? cut(utf8.encode(text), places) : cut(text, places);
            const expected = text.endsWith('\n') || text === '' ? text.slice(0, -1) : text;
            const lines = await linesOf(chunks);
            expect(lines.map(line => line.text)).toEqual(text === '' ? [] : expected.split('\n'));
            expect(lines.map(line => line.number)).toEqual(lines.map((_, index) => index + 1));
        })
    );
});

test('a whole text, whole bytes, a stream, and what iterates asynchronously', async () => {
    const expected = [
        { number: 1, text: 'a' },
        { number: 2, text: 'ü' }
    ];
    async function* pieces() {
        yield 'a\n';
        yield utf8.encode('ü\n');
    }
    for (const source of ['a\nü\n', utf8.encode('a\nü'), Readable.from(Buffer.from('a\nü\n')), pieces()]) {
        expect(await linesOf(source)).toEqual(expected);
    }
});

describe('refused', () => {
    test('what is not UTF-8, with its line', async () => {
        const broken = [utf8.encode('a\nb\nc'), Uint8Array.of(0xff), utf8.encode('\n')];
        await expect(linesOf(broken)).rejects.toMatchObject({ code: WatermarkErrorCode.INVALID_EXPORT, line: 3 });
        const halfACharacter = utf8.encode('a\nü').subarray(0, -1);
        await expect(linesOf(halfACharacter)).rejects.toMatchObject({
            code: WatermarkErrorCode.INVALID_EXPORT,
            line: 2,
            message: 'Line 2 of the import: it is not UTF-8.'
        });
    });

    test('half a character of bytes that goes on in a text', async () => {
        const pieces = [Uint8Array.of(0xc3), 'a', Uint8Array.of(0xbc)];
        await expect(linesOf(pieces)).rejects.toMatchObject({ code: WatermarkErrorCode.INVALID_EXPORT, line: 1 });
    });

    test('a line that never ends, before it fills the memory', async () => {
        let given = 0;
        function* endless() {
            yield 'a\n';
            for (;;) {
                given += 1024 * 1024;
                yield 'x'.repeat(1024 * 1024);
            }
        }
        await expect(linesOf(endless())).rejects.toMatchObject({ code: WatermarkErrorCode.INVALID_EXPORT, line: 2 });
        expect(given).toBeLessThanOrEqual(MAX_LINE_LENGTH + 1024 * 1024);
    });

    test.each([
        ['nothing', undefined],
        ['null', null],
        ['a number', 7],
        ['a list of numbers', [1, 2]],
        ['a list with nothing in it', [undefined]],
        ['an object', {}]
    ])('%s', async (_, source) => {
        await expect(linesOf(source as unknown as ExportLines)).rejects.toMatchObject({
            code: WatermarkErrorCode.INVALID_ARGUMENT
        });
    });

    test('nothing: what the source throws comes as it is', async () => {
        const failure = new Error('no such file');
        async function* failing() {
            yield 'a\n';
            throw failure;
        }
        await expect(linesOf(failing())).rejects.toBe(failure);
    });
});
