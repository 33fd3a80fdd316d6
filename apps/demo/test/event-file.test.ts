import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { QuakeEvent } from '../src/feed.js';
import { FileEvents } from '../src/sqlite/file-events.js';
import { FileQuakes } from '../src/sqlite/file-quakes.js';
import { followLines } from '../src/sqlite/follow-lines.js';

let folder: string;
let path: string;

beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'zero-demo-events-'));
    path = join(folder, 'events.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function quake(id: string, network: string): QuakeEvent {
    return { id, kind: 'new', network, time: 0, magnitude: 1, place: 'Añasco, Puerto Rico\n7 km NW' };
}

test('a network’s events come in order and once, those that are there and those that come', async () => {
    const stream = new FileQuakes(path);
    const events = [quake('1', 'pr'), quake('2', 'ak'), quake('3', 'pr'), quake('4', 'pr'), quake('5', 'ak')];
    const sequences: number[] = [];
    for (const event of events.slice(0, 3)) {
        sequences.push(await stream.publish(event));
    }
    const end = new AbortController();
    const seen: [QuakeEvent, number][] = [];
    const handle = (event: QuakeEvent, sequence: number) => {
        seen.push([event, sequence]);
        if (sequence === 3) {
            appendRest();
        } else if (sequence === 4) {
            end.abort();
        }
    };
    const appendRest = () => events.slice(3).forEach(event => void stream.publish(event));
    await new FileEvents(path).follow('pr', 1, handle, end.signal);

    expect(sequences).toEqual([1, 2, 3]);
    expect(seen).toEqual([
        [events[2], 3],
        [events[3], 4]
    ]);
    expect(await stream.count()).toBe(5);
    stream.close();
});

test('the file of a stream is a new one', () => {
    writeFileSync(path, 'mine\n');
    expect(() => new FileQuakes(path)).toThrow('EEXIST');
});

test('a line counts when its end is there, wherever the reads cut it', async () => {
    const lines = ['a', 'ü'.repeat(100_000), '', 'b'];
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    // Within the first ü.
    writeFileSync(path, bytes.subarray(0, 3));
    const end = new AbortController();
    const seen: string[] = [];
    for await (const line of followLines(path, end.signal)) {
        seen.push(line);
        if (line === 'a') {
            appendFileSync(path, bytes.subarray(3));
        } else if (line === 'b') {
            end.abort();
        }
    }
    expect(seen).toEqual(lines);
});

test('an abort ends the wait for more, and the lines that were read already', async () => {
    writeFileSync(path, 'a\nb\n');
    const end = new AbortController();
    const seen: string[] = [];
    for await (const line of followLines(path, end.signal)) {
        seen.push(line);
        end.abort();
    }
    expect(seen).toEqual(['a']);

    writeFileSync(path, '');
    const waiting = followLines(path, AbortSignal.timeout(100));
    expect(await waiting.next()).toEqual({ done: true, value: undefined });
});
