import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import type { WatermarkStore } from '@cbnsndwch/zero-contracts';
import { openMemoryStore } from '@cbnsndwch/zero-contracts/memory';
import { openWatermarkStore as openSqliteStore } from '@cbnsndwch/zero-watermark-zqlite/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Backend, backends, openOn } from '../../packages/zero-watermark-nats-kv/test/support/backends.js';

/*
 * What moving is for: an application changes its store, and zero-cache, with the watermark that it committed last, goes on
 * where it was.
 */

const folder = mkdtempSync(join(tmpdir(), 'zero-between-stores-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = (name: string) => join(folder, `${(files += 1)}-${name}`);
const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Moves everything, through files, as an operator does. */
async function move(source: WatermarkStore, target: WatermarkStore) {
    const [watermarks, resumeTokens] = [newPath('watermarks.ndjson'), newPath('resume-tokens.ndjson')];
    await pipeline(source.watermarks.exportWatermarks(), createWriteStream(watermarks));
    await pipeline(source.resumeTokens.exportWatermarks(), createWriteStream(resumeTokens));
    return {
        watermarks: await target.watermarks.importWatermarks(createReadStream(watermarks)),
        resumeTokens: await target.resumeTokens.importWatermarks(createReadStream(resumeTokens))
    };
}

/** A change source for one zero-cache: what it gave, and what zero-cache has committed. */
class Application {
    readonly given = new Map<string, string>();
    #positions = 0;
    lastWatermark = '';

    async begin({ resumeTokens }: WatermarkStore): Promise<void> {
        expect(await resumeTokens.resume('app-0', undefined)).toEqual({ kind: 'initial-sync' });
        this.lastWatermark = await resumeTokens.beginSync('app-0', 'position 0');
    }

    /** Goes on where zero-cache is, sends it so many changes, and marks its own progress. */
    async run(store: WatermarkStore, changes: number): Promise<void> {
        const point = await store.resumeTokens.resume('app-0', this.lastWatermark);
        expect(point).toEqual({ kind: 'resume', resumeToken: `position ${this.#positions}` });
        // A few changes are read again, as after any reconnection.
        const known = [...this.given.keys()].slice(-5);
        const fresh = Array.from({ length: changes }, () => `position ${(this.#positions += 1)}`);
        const watermarks = await store.resumeTokens.getOrCreateWatermarks('app-0', [...known, ...fresh]);
        expect(watermarks.slice(0, known.length)).toEqual(known.map(token => this.given.get(token)));
        for (const [index, token] of fresh.entries()) {
            const watermark = watermarks[known.length + index] ?? '';
            expect(watermark > this.lastWatermark).toBe(true);
            this.given.set(token, watermark);
            this.lastWatermark = watermark;
        }
        await store.resumeTokens.acknowledge('app-0', this.lastWatermark);
        await store.watermarks.advance('progress', this.lastWatermark, { changes: this.#positions });
    }
}

describe.each(backends)('an application and $name', ({ start }) => {
    let backend: Backend;
    beforeAll(async () => {
        backend = await start();
    });
    afterAll(async () => {
        await backend[Symbol.asyncDispose]();
    });

    test('moves from an SQLite file to NATS, and back, and zero-cache never has to begin anew', async () => {
        const application = new Application();
        const database = newPath('application.db');
        await using nats = await openOn(backend, { retainTokens: 50, retainMs: 0 });
        {
            await using sqlite = await openSqliteStore({ database });
            await sqlite.watermarks.set('ключ 🔑', 'v1', { any: ['data', null] });
            await application.begin(sqlite);
            await application.run(sqlite, 300);
            const report = await move(sqlite, nats);
            expect(report.resumeTokens).toEqual({ shardIds: ['app-0'], created: 301, alreadyThere: 0 });
            expect(report.watermarks).toMatchObject({ created: 2, refused: 0 });
        }
        await application.run(nats, 200);
        await application.run(nats, 100);
        {
            // The same file: what it has is given up first, because all of it comes back.
            await using sqlite = await openSqliteStore({ database });
            await sqlite.resumeTokens.abandon('app-0');
            await sqlite.watermarks.clear();
            await move(nats, sqlite);
            await application.run(sqlite, 100);
            expect(await sqlite.watermarks.get('ключ 🔑')).toMatchObject({
                version: 'v1',
                data: { any: ['data', null] }
            });
            expect((await sqlite.watermarks.get('progress'))?.data).toEqual({ changes: 700 });
        }
        {
            // Another file needs nothing of that.
            await using sqlite = await openSqliteStore({ database });
            await using other = await openSqliteStore({ database: newPath('other.db') });
            await move(sqlite, other);
            await application.run(other, 10);
        }
    });

    test('exports the same whatever store it is in', async () => {
        await using memory = openMemoryStore();
        await memory.resumeTokens.beginSync('app-0', 'position 0');
        await memory.resumeTokens.getOrCreateWatermarks('app-0', named('position ', 1_500));
        const linesOf = async ({ resumeTokens }: WatermarkStore) => {
            let text = '';
            for await (const line of resumeTokens.exportWatermarks({ shardIds: ['app-0'] })) {
                text += line;
            }
            return text;
        };
        const lines = await linesOf(memory);
        await using nats = await openOn(backend);
        await using sqlite = await openSqliteStore({ database: ':memory:' });
        for (const [source, target] of [
            [memory, nats],
            [nats, sqlite]
        ] as const) {
            await target.resumeTokens.importWatermarks(source.resumeTokens.exportWatermarks());
            expect(await linesOf(target)).toBe(lines);
        }
    });
});
