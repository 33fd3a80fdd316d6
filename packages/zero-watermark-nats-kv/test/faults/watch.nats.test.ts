import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import type { Watermark, WatermarkEvent, WatermarkService } from '../../src/store.js';
import { type NatsServer, startNatsServer, startTcpProxy } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { eventually, openOn, recordLog, uniqueBucket } from '../support/backends.js';

const { newest, oldest } = natsServers();

/** What is promised is 2 s; a machine that tests something else besides may need longer. */
const LIVE_AGAIN_MS = 5_000;

/** Collects the events of a `watchAll` until `stop`. */
function collect(service: WatermarkService, includeCurrent: boolean) {
    const events: WatermarkEvent[] = [];
    const abort = new AbortController();
    const done = (async () => {
        for await (const event of service.watchAll({ includeCurrent, signal: abort.signal })) {
            events.push(event);
        }
    })();
    const stop = async () => {
        abort.abort();
        await done;
    };
    return { events, stop };
}

function versionsIn(events: readonly WatermarkEvent[]): string[] {
    return events.flatMap(event => (event.type === 'set' ? [event.watermark.version] : []));
}

describe.each([newest, oldest])('watching one server ($version)', ({ path }) => {
    let server: NatsServer;
    let administrator: Administrator;

    beforeAll(async () => {
        server = await startNatsServer({ binary: path });
        administrator = await Administrator.connect([server.url]);
    });
    afterAll(async () => {
        await administrator.nc.close();
        await server.stop();
    });

    test('tells each revision once, also when the consumer survives a break of the connection and goes on delivering', async () => {
        await using proxy = await startTcpProxy({ target: server });
        const bucket = uniqueBucket();
        const logger = recordLog();
        await using watching = await openOn({ urls: [proxy.url], replicas: 1 }, { bucket, logger });
        await using writing = await openOn({ urls: [server.url], replicas: 1 }, { bucket });
        const { events, stop } = collect(watching.watermarks, true);
        let written = 0;
        for (let round = 0; round < 5; round += 1) {
            await eventually('all that was written', () => versionsIn(events).length >= written);
            proxy.cut();
            await eventually('the break', () => proxy.connections === 0);
            proxy.heal();
            // The client asks what it has missed while this comes in.
            proxy.delay(20);
            await eventually('the next connection', () => proxy.connections === 1);
            for (const endsAt = performance.now() + 500; performance.now() < endsAt; written += 1) {
                await writing.watermarks.create(`k${written}`, 'v');
            }
        }
        await eventually('all that was written', () => versionsIn(events).length >= written);
        await stop();
        expect(logger.warnings).toEqual([]);
        const revisions = events.flatMap(event => (event.type === 'set' ? [event.watermark.revision] : []));
        expect(revisions).toEqual(Array.from({ length: written }, (_, index) => index + 1));
    });

    test('stopped while it is at it after a break, it makes no consumer on the server any more', async () => {
        const bucket = uniqueBucket();
        await using proxy = await startTcpProxy({ target: server });
        await using store = await openOn({ urls: [proxy.url], replicas: 1 }, { bucket });
        const stop = await store.watermarks.watch('k', () => {});
        const asked: string[] = [];
        const made: string[] = [];
        for (const [subject, requests] of [
            [`$JS.API.STREAM.INFO.KV_${bucket}`, asked],
            [`$JS.API.CONSUMER.CREATE.KV_${bucket}.>`, made]
        ] as const) {
            administrator.nc.subscribe(subject, { callback: (_, request) => void requests.push(request.subject) });
        }
        await administrator.nc.flush();
        proxy.cut();
        await eventually('the break', () => proxy.connections === 0);
        proxy.heal();
        proxy.delay(100);
        await eventually('the question about the stream', () => asked.length > 0);
        stop();
        // Longer than what was to come after the answer.
        for (let answers = 0; answers < 3; answers += 1) {
            await store.watermarks.get('k');
        }
        expect(made).toEqual([]);
    });

    test.each(['SIGKILL', 'SIGTERM'] as const)('goes on after %s and restart, and is soon live again', async signal => {
        const bucket = uniqueBucket();
        const backend = { urls: [server.url], replicas: 1 };
        // Revisions that are kept can't be left out.
        await using store = await openOn(backend, { bucket, history: 10 });
        await using other = await openOn(backend, { bucket, history: 10 });
        const seen: Watermark[] = [];
        await store.watermarks.watch('k', watermark => seen.push(watermark));
        const all = collect(store.watermarks, true);
        await eventually('the beginning', () => all.events.length === 1);
        const expected: string[] = [];
        for (let round = 0; round < 2; round += 1) {
            await other.watermarks.set('k', `before ${round}`);
            await server.kill(signal);
            const during = other.watermarks.set('k', `during ${round}`);
            await server.restart();
            const returnedAt = performance.now();
            await during;
            expected.push(`before ${round}`, `during ${round}`);
            await eventually('the change', () => seen.length === expected.length);
            await eventually('the change in all', () => versionsIn(all.events).length === expected.length);
            const tookMs = performance.now() - returnedAt;
            expect(tookMs).toBeLessThan(LIVE_AGAIN_MS);
        }
        await all.stop();
        expect(seen.map(({ version }) => version)).toEqual(expected);
        expect(versionsIn(all.events)).toEqual(expected);
        expect(seen.at(-1)).toEqual(await store.watermarks.get('k'));
    });

    test('what is there, interrupted again and again, is told once, in revision order, with one mark', async () => {
        const bucket = uniqueBucket();
        await using proxy = await startTcpProxy({ target: server });
        await using writer = await openOn({ urls: [server.url], replicas: 1 }, { bucket });
        await using store = await openOn({ urls: [proxy.url], replicas: 1 }, { bucket });
        const text = 'x'.repeat(20_000);
        const keys = Array.from({ length: 400 }, (_, index) => `key.${index}`);
        await Promise.all(keys.map(key => writer.watermarks.set(key, 'v1', { text })));
        // Slow enough for the interruptions to come in the middle.
        proxy.delay(20);
        const told: WatermarkEvent[] = [];
        let interruptions = 0;
        for await (const event of store.watermarks.watchAll({ includeCurrent: true })) {
            told.push(event);
            if (told.length % 100 === 50) {
                interruptions += 1;
                proxy.cut();
                // One key changes where it has been told already, one where it hasn't been yet.
                await writer.watermarks.set('key.1', `v${interruptions + 1}`);
                await writer.watermarks.set('key.390', `v${interruptions + 1}`);
                proxy.heal();
            }
            if (event.type === 'current-complete') {
                break;
            }
        }
        const revisions = told
            .map(event => (event.type === 'set' ? event.watermark.revision : Number.NaN))
            .slice(0, -1);
        expect(interruptions).toBeGreaterThan(2);
        expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
        expect(new Set(told.map(event => (event.type === 'set' ? event.watermark.key : undefined))).size).toBe(401);
    });

    test('no key is missed that is rewritten while all are read', async () => {
        const backend = { urls: [server.url], replicas: 1 };
        const bucket = uniqueBucket();
        await using writer = await openOn(backend, { bucket });
        await using reader = await openOn(backend, { bucket });
        const keys = Array.from({ length: 500 }, (_, index) => `key.${index}`);
        await Promise.all(keys.map(key => writer.watermarks.set(key, 'v1')));
        let reading = true;
        const writers = [1, 3, 7, 11].map(async stride => {
            for (let count = 0; reading; count += stride) {
                await writer.watermarks.set(keys[count % keys.length] ?? '', `v${count}`);
            }
        });
        for (let round = 0; round < 30; round += 1) {
            const all = await reader.watermarks.getAll();
            expect(keys.filter(key => !all.has(key))).toEqual([]);
        }
        reading = false;
        await Promise.all(writers);
    });

    test('sees what was written in place of a tail that the server lost', async () => {
        const backup = await mkdtemp(join(tmpdir(), 'backup-'));
        onTestFinished(() => rm(backup, { recursive: true }));
        await using own = await startNatsServer({ binary: path });
        await using proxy = await startTcpProxy({ target: own });
        const bucket = uniqueBucket();
        const log = recordLog();
        await using store = await openOn({ urls: [proxy.url], replicas: 1 }, { bucket, logger: log });
        const seen: string[] = [];
        await store.watermarks.watch('k', ({ version }) => seen.push(version));
        const all = collect(store.watermarks, true);
        await eventually('the beginning', () => all.events.length === 1);
        const versions = () => versionsIn(all.events);
        await store.watermarks.set('k', 'kept');
        await eventually('what is kept', () => seen.length === 1 && versions().length === 1);
        await own.kill('SIGTERM');
        await cp(own.storeDirectory, backup, { recursive: true });
        await own.restart();
        await store.watermarks.set('k', 'lost');
        await eventually('the tail', () => seen.length === 2 && versions().length === 2);

        proxy.cut();
        await own.kill('SIGKILL');
        await rm(own.storeDirectory, { recursive: true });
        await cp(backup, own.storeDirectory, { recursive: true });
        await own.restart();
        await using other = await openOn({ urls: [own.url], replicas: 1 }, { bucket });
        await other.watermarks.set('k', 'written anew');
        await other.watermarks.set('l', 'beyond what was seen');
        proxy.heal();
        await eventually('the last state', () => seen.length === 3 && versions().length === 4);
        expect(seen).toEqual(['kept', 'lost', 'written anew']);
        expect(versions()).toEqual(['kept', 'lost', 'written anew', 'beyond what was seen']);
        expect(log.warnings.filter(warning => warning.includes('made anew or restored'))).toHaveLength(2);
        await all.stop();
    });

    test('goes on with what a bucket holds that was made anew, without a second mark', async () => {
        const bucket = uniqueBucket();
        const log = recordLog();
        await using store = await openOn({ urls: [server.url], replicas: 1 }, { bucket, logger: log });
        for (let round = 0; round < 5; round += 1) {
            await store.watermarks.set('k', `old ${round}`);
        }
        const seen: string[] = [];
        await store.watermarks.watch('k', ({ version }) => seen.push(version));
        const changes = collect(store.watermarks, false);
        const all = collect(store.watermarks, true);
        await eventually('the mark', () => all.events.at(-1)?.type === 'current-complete');
        await administrator.deleteBucket(bucket);
        await eventually('the complaints', () => log.errors.length === 3);
        await administrator.createUnlimitedBucket(bucket, 1);
        await administrator.put(bucket, 'k', 'new 1');
        const everywhere = () => [seen, versionsIn(changes.events), versionsIn(all.events).slice(1)];
        await eventually('what the new bucket holds', () => everywhere().every(versions => versions.length === 1));
        await administrator.put(bucket, 'k', 'new 2');
        await eventually('the last state', () => everywhere().every(versions => versions.at(-1) === 'new 2'));
        expect(everywhere()).toEqual(Array.from({ length: 3 }, () => ['new 1', 'new 2']));
        const marks = [...changes.events, ...all.events].filter(({ type }) => type === 'current-complete');
        expect(marks).toHaveLength(1);
        await Promise.all([changes.stop(), all.stop()]);
    });
});
