import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { WatermarkErrorCode, type WatermarkStore } from '../src/store.js';
import { Place } from './support/place.js';

/** A disk of three megabytes; nothing, where this user may not mount one. */
function mountSmallDisk(place: Place): Disposable | undefined {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', place.folder]).status !== 0) {
        return undefined;
    }
    return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', place.folder]) };
}

const canMount = await (async () => {
    await using place = new Place();
    using disk = mountSmallDisk(place);
    return disk !== undefined;
})();

const text = 'x'.repeat(20_000);

/** Writes until it fails, and gives how much was acknowledged before. */
async function fill({ watermarks }: WatermarkStore): Promise<{ readonly stored: number; readonly error: unknown }> {
    for (let stored = 0; ; stored += 1) {
        try {
            await watermarks.set(`key.${stored}`, 'v1', { text });
        } catch (error) {
            return { stored, error };
        }
    }
}

// Who may not mount a disk has the test below, which limits the size of files instead.
if (canMount) {
    test('a full disk: UNAVAILABLE, nothing is lost, and it goes on once there is room', async () => {
        await using place = new Place();
        using _ = mountSmallDisk(place);
        const ballast = join(place.folder, 'ballast');
        writeFileSync(ballast, Buffer.alloc(1_000_000));
        const store = await place.open();
        const watermark = await store.resumeTokens.getOrCreateWatermark('s', 'a');
        const { stored, error } = await fill(store);
        expect(stored).toBeGreaterThan(20);
        expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE, retryable: true });
        expect(String(error)).toContain(`There is no room for the database ${place.database}; nothing was written.`);
        expect((await store.watermarks.getAll()).size).toBe(stored);
        // A little may still fit, until nothing does.
        for (let token = 0, full = false; !full; token += 1) {
            full = await store.resumeTokens.getOrCreateWatermark('s', `${token}${text}`).then(
                () => false,
                (failure: unknown) => {
                    expect(failure).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
                    return true;
                }
            );
        }
        const before = await store.resumeTokens.head('s');
        rmSync(ballast);
        const after = await store.resumeTokens.getOrCreateWatermark('s', 'b');
        expect(after > String(before?.watermark)).toBe(true);
        expect(await store.resumeTokens.getResumeToken('s', watermark)).toBe('a');
        await store.watermarks.set(`key.${stored}`, 'v2', { text });
        expect((await store.watermarks.getAll()).size).toBe(stored + 1);
        await store.close();
        expect(place.sql(file => file.pragma('integrity_check', { simple: true }))).toBe('ok');
    });
}

test('a file that may not grow: the write fails, and nothing is lost', { timeout: 60_000 }, async () => {
    await using place = new Place();
    const script = fileURLToPath(new URL('support/process.mjs', import.meta.url));
    const order = JSON.stringify({ role: 'filler', options: { database: place.database } });
    // In blocks of 1,024 bytes.
    const command = 'ulimit -f 2000; exec "$0" "$@"';
    const child = spawnSync('bash', ['-c', command, process.execPath, script, order], {
        input: 'go\n',
        encoding: 'utf8'
    });
    expect(child.stderr).toBe('');
    const said = child.stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as { readonly stored: number; readonly code: string; readonly sizes: number[] });
    const last = said.find(line => typeof line === 'object');
    expect([WatermarkErrorCode.UNAVAILABLE, WatermarkErrorCode.OUTCOME_UNKNOWN]).toContain(last?.code);
    expect(last?.stored).toBeGreaterThan(20);
    expect(last?.sizes).toEqual([last?.stored, last?.stored]);
    expect(child.status).toBe(0);
    const { watermarks } = await place.open();
    expect((await watermarks.getAll()).size).toBeGreaterThanOrEqual(last?.stored ?? Number.NaN);
    expect(place.sql(file => file.pragma('integrity_check', { simple: true }))).toBe('ok');
});
