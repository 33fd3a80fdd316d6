import { describe, expect, test } from 'vitest';

import type { Watermark } from '../../src/store.js';
import { startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { eventually, openOn, uniqueBucket } from '../support/backends.js';
import { startClient } from '../support/client-process.js';

const { newest, oldest } = natsServers();
const KILLS = 6;

describe.each([newest, oldest])('two processes ($version)', ({ path }) => {
    test('kill -9 of one between any two steps leaves every record readable, and the watch of the other goes on', async () => {
        await using server = await startNatsServer({ binary: path });
        const options = { servers: [server.url], bucket: uniqueBucket() };
        await using store = await openOn({ urls: [server.url], replicas: 1 }, { bucket: options.bucket });
        const seen: Watermark[] = [];
        await store.watermarks.watch('set', watermark => seen.push(watermark));
        for (let kill = 0; kill < KILLS; kill += 1) {
            const before = seen.length;
            await using writer = startClient({ role: 'writer', options, from: 1 + kill * 1_000 });
            await eventually('changes by the other process', () => seen.length > before + 2 * kill);
            await writer.kill();
            const acknowledged = writer.lines.at(-1);
            const current = await store.watermarks.get('set');
            const all = await store.watermarks.getAll();
            expect(current).not.toBeNull();
            // The last thing that it sent may be applied a moment after its death.
            expect(all.get('set')?.revision).toBeGreaterThanOrEqual(current?.revision ?? Number.NaN);
            for (const { version, data } of all.values()) {
                expect(data).toEqual({ text: version.replace('+', '').repeat(100) });
            }
            if (acknowledged !== undefined) {
                expect(current?.version ?? '').toMatch(/^\d{6}\+?$/);
                expect((current?.version ?? '') >= acknowledged).toBe(true);
                expect((all.get('advanced')?.version ?? '') >= acknowledged).toBe(true);
                expect(all.has(`created.${acknowledged}`)).toBe(false);
            }
            const last = current?.revision ?? Number.NaN;
            await eventually('the last state', () => (seen.at(-1)?.revision ?? 0) >= last);
        }
        const revisions = seen.map(({ revision }) => revision);
        expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
    });
});
