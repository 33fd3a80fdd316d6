import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWatermarkStore, WatermarkErrorCode } from '@cbnsndwch/zero-watermark-zqlite/store';
import { expect, test } from 'vitest';

/** Built, because it starts another program of the demo. */
const { WriteLock } = (await import(
    new URL('../dist/sqlite/write-lock.js', import.meta.url).href
)) as typeof import('../src/sqlite/write-lock.js');

test('while another process has the lock nobody writes, and nothing is left of what it did', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zero-demo-lock-'));
    const database = join(folder, 'watermarks.db');
    const store = await openWatermarkStore({ database, busyTimeoutMs: 100 });
    try {
        await store.watermarks.set('quakes.ak', '01');
        const lock = new WriteLock(database);
        let blocked: Promise<unknown> | undefined;
        const said: string[] = [];
        const lockedMs = await lock.happen(text => {
            said.push(text);
            blocked ??= store.watermarks.set('quakes.ak', '02').catch((error: unknown) => error);
        });
        expect(await blocked).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
        expect(lockedMs).toBeGreaterThan(900);
        expect(said).toEqual([expect.stringContaining('deletes all'), expect.stringContaining('kill -9')]);

        expect((await store.watermarks.get('quakes.ak'))?.version).toBe('01');
        await store.watermarks.set('quakes.ak', '02');
    } finally {
        await store.close();
        rmSync(folder, { recursive: true, force: true });
    }
});
