import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';

import { eventually, Place } from './support/place.js';
import { type Said, spawnProcess, startProcess } from './support/process.js';

/** Different each time, so that many runs find what one doesn't. */
const random = (most: number) => Math.random() * most;

const tokensIn = (said: readonly Said[]) =>
    said.flatMap(line => (typeof line === 'object' && 'token' in line ? [line] : []));

describe('kill -9', () => {
    test(
        'of a process that writes, between any two steps, leaves nothing half done',
        { timeout: 120_000 },
        async () => {
            await using place = new Place();
            const given = new Map<string, string>();
            const versions = new Map<string, string>();
            let highest = '';
            for (let kill = 0; kill < 12; kill += 1) {
                const options = { database: place.database, retainTokens: 100_000 };
                await using writer = await startProcess({ role: 'writer', options, from: kill * 1_000_000 });
                writer.go();
                await eventually('it writes', () => tokensIn(writer.said).length > 0);
                await sleep(random(150));
                await writer.kill();

                const store = await place.open();
                expect(place.sql(file => file.pragma('integrity_check', { simple: true }))).toBe('ok');
                for (const line of writer.said) {
                    if (typeof line === 'object' && 'token' in line) {
                        given.set(line.token, line.watermark);
                    } else if (typeof line === 'object') {
                        versions.set(line.key, line.version);
                    }
                }
                const newest = [...given.values()].reduce((a, b) => (a > b ? a : b));
                expect(newest > highest).toBe(true);
                highest = newest;
                expect(new Set(given.values()).size).toBe(given.size);
                const tokens = [...given.keys()];
                expect(await store.resumeTokens.getOrCreateWatermarks('s', tokens)).toEqual([...given.values()]);
                expect((await store.resumeTokens.head('s'))?.watermark).toSatisfy(head => String(head) >= highest);
                const all = await store.watermarks.getAll();
                for (const [key, version] of versions) {
                    expect((all.get(key)?.version ?? '') >= version).toBe(true);
                }
                for (const { version, data } of all.values()) {
                    expect(data).toEqual({ text: version.repeat(50) });
                }
                expect([...all.keys()].filter(key => key.startsWith('created.')).length).toBeLessThanOrEqual(kill + 1);
                await store.close();
                expect(place.files).toEqual(['watermarks.db']);
            }
        }
    );

    test('of a process that makes the file leaves one that can be opened', { timeout: 120_000 }, async () => {
        for (let kill = 0; kill < 12; kill += 1) {
            await using place = new Place();
            const options = { database: place.database };
            await using maker = spawnProcess({ role: 'writer', options });
            await eventually('it opens the store', () => maker.said.includes('opening'), 60_000);
            await sleep(random(30));
            await maker.kill();
            const store = await place.open();
            await store.watermarks.set('users', 'v1');
            expect(await store.resumeTokens.getOrCreateWatermark('s', 'a')).toEqual(expect.any(String));
            expect(place.sql(file => file.pragma('integrity_check', { simple: true }))).toBe('ok');
        }
    });

    test('of one of two processes: the other one goes on, and its watch too', { timeout: 120_000 }, async () => {
        await using place = new Place();
        const { watermarks } = await place.open();
        const seen: number[] = [];
        await watermarks.watch('set', ({ revision }) => seen.push(revision));
        for (let kill = 0; kill < 4; kill += 1) {
            const options = { database: place.database };
            await using writer = await startProcess({ role: 'writer', options, from: kill * 1_000_000 });
            writer.go();
            const before = seen.length;
            await eventually('its writes are seen', () => seen.length > before + 2);
            await writer.kill();
            await watermarks.set('own', `v${kill}`);
            const last = (await watermarks.get('set'))?.revision;
            await eventually('the last state is seen', () => seen.at(-1) === last);
        }
        expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
    });
});
