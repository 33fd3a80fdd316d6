import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { describe, expect, test } from 'vitest';

import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { eventually, openOn, recordLog, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();

/** Longer than a good run by far; a watch that was cut off again and again took more than a minute. */
const TOGETHER_MS = 30_000;

/** What changes take that nobody has asked for yet would be more than this, if they were kept by the client. */
const MOST_KEPT_BYTES = 100 * 1024 * 1024;

/** Keeps this process from doing anything, as a long calculation in a callback does. */
function block(durationMs: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

/** How often the server has cut off a client that did not take what it was sent. */
async function cutOff({ monitorUrl }: NatsServer): Promise<number> {
    const varz = (await (await fetch(`${monitorUrl}/varz`)).json()) as { readonly slow_consumers: number };
    return varz.slow_consumers;
}

function keptBytes(): number {
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
}

describe.each([newest, oldest])('slow consumers of nats-server $version', ({ path: binary }) => {
    test('a client that is cut off for being slow comes back and misses nothing, and nothing is told twice', async () => {
        const config = 'write_deadline: "100ms"\nmax_pending: 8MB';
        await using server = await startNatsServer({ binary, config });
        const options = { bucket: uniqueBucket(), logger: recordLog() };
        const backend = { urls: [server.url], replicas: 1 };
        await using store = await openOn(backend, options);
        const text = 'x'.repeat(500_000);
        for (let index = 0; index < 120; index += 1) {
            await store.watermarks.set(`key-${index}`, 'v1', { text });
        }
        const seen: string[] = [];
        await store.watermarks.watch('key-0', ({ version }) => seen.push(version));

        const startedAt = performance.now();
        const revisions: number[] = [];
        for await (const event of store.watermarks.watchAll({ includeCurrent: true })) {
            if (event.type === 'current-complete') {
                break;
            }
            expect(event.type).toBe('set');
            revisions.push('revision' in event ? event.revision : event.watermark.revision);
            if (revisions.length % 40 === 5) {
                block(700);
            }
        }
        expect(await cutOff(server)).toBeGreaterThan(0);
        expect(performance.now() - startedAt).toBeLessThan(TOGETHER_MS);
        expect(revisions).toHaveLength(120);
        expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));

        await store.watermarks.set('key-0', 'v2');
        await eventually('the other watch goes on', () => seen.includes('v2'));
        expect(seen).toEqual(['v2']);
    });

    test('a watch whose consumer stands still costs little, and disturbs no other watch and no call', async () => {
        await using server = await startNatsServer({ binary });
        const options = { bucket: uniqueBucket(), history: 64, logger: recordLog() };
        const backend = { urls: [server.url], replicas: 1 };
        await using store = await openOn(backend, options);
        await using writer = await openOn(backend, options);
        const events = store.watermarks.watchAll()[Symbol.asyncIterator]();
        const first = events.next();
        const seen: string[] = [];
        await store.watermarks.watch('key-0', ({ version }) => seen.push(version));
        // Nothing tells when an iteration has begun but its first event.
        for (let begun = false; !begun;) {
            await writer.watermarks.set('key-1', 'v0');
            begun = await Promise.race([
                first.then(() => true),
                new Promise<false>(resolve => setTimeout(resolve, 20, false))
            ]);
        }

        // Now nobody takes what comes.
        const before = keptBytes();
        const text = 'x'.repeat(100_000);
        for (let round = 1; round <= 40; round += 1) {
            const writes = Array.from({ length: 50 }, (_, index) =>
                writer.watermarks.set(`key-${index}`, `v${round}`, { text })
            );
            await Promise.all(writes);
        }
        expect(keptBytes() - before).toBeLessThan(MOST_KEPT_BYTES);
        await eventually('the other watch has the final state', () => seen.at(-1) === 'v40');
        expect(seen).toHaveLength(40);
        const startedAt = performance.now();
        await store.watermarks.get('key-7');
        expect(performance.now() - startedAt).toBeLessThan(1_000);

        // It is taken up again, and comes to the final state of every key.
        const last = new Map<string, string>();
        while ([...last.values()].filter(version => version === 'v40').length < 50) {
            const { value } = await events.next();
            if (value?.type === 'set') {
                last.set(value.watermark.key, value.watermark.version);
            }
        }
        await events.return?.();
    });

    test('a callback that blocks sees every revision that is kept, and the last one', async () => {
        await using server = await startNatsServer({ binary });
        const options = { bucket: uniqueBucket(), history: 64, logger: recordLog() };
        const backend = { urls: [server.url], replicas: 1 };
        await using store = await openOn(backend, options);
        const slow: string[] = [];
        const quick: string[] = [];
        await store.watermarks.watch('users', ({ version }) => {
            block(50);
            slow.push(version);
        });
        await store.watermarks.watch('users', ({ version }) => quick.push(version));
        const versions = Array.from({ length: 40 }, (_, index) => `v${index}`);
        for (const version of versions) {
            await store.watermarks.set('users', version);
        }
        await eventually('the final state', () => slow.at(-1) === 'v39' && quick.at(-1) === 'v39');
        expect(slow).toEqual(versions);
        expect(quick).toEqual(versions);
    });
});
