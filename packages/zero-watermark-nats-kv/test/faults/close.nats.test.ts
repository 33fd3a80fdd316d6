import { expect, test } from 'vitest';

import { WatermarkErrorCode, type WatermarkEvent } from '../../src/store.js';
import { startNatsServer, startTcpProxy } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { openOn, uniqueBucket } from '../support/backends.js';
import { startClient } from '../support/client-process.js';
import { MARGIN_MS, timed } from '../support/outcomes.js';

const { newest } = natsServers();
const { CLOSED, OUTCOME_UNKNOWN } = WatermarkErrorCode;

/** Five seconds for calls under way, five for a connection that doesn't answer. */
const CLOSE_MS = 10_000;

/** The first event, which may never come. */
function firstOf(events: AsyncIterable<WatermarkEvent>): Promise<IteratorResult<WatermarkEvent>> {
    return events[Symbol.asyncIterator]().next();
}

test.each(['cut', 'blackhole'] as const)(
    'closing during a partition (%s) is bounded, and ends what is pending',
    async how => {
        await using server = await startNatsServer({ binary: newest.path });
        await using proxy = await startTcpProxy({ target: server });
        const store = await openOn({ urls: [proxy.url], replicas: 1 });
        const { watermarks } = store;
        await watermarks.watch('k', () => {});
        const ended = firstOf(watermarks.watchAll());
        await watermarks.set('k', 'v1');
        proxy[how]();
        const calls = [
            timed(watermarks.get('k')),
            timed(watermarks.getAll()),
            timed(watermarks.watch('k', () => {})),
            timed(watermarks.set('k', 'v2')),
            timed(watermarks.set('k', 'v3')),
            timed(watermarks.create('l', 'v1')),
            timed(watermarks.advance('k', 'v4'))
        ];
        const { error, tookMs } = await timed(store.close());
        expect(error).toBeUndefined();
        expect(tookMs).toBeLessThan(CLOSE_MS + MARGIN_MS);
        for (const { code } of await Promise.all(calls)) {
            expect([CLOSED, OUTCOME_UNKNOWN]).toContain(code);
        }
        await ended;
        expect((await timed(watermarks.get('k'))).code).toBe(CLOSED);
        await expect(firstOf(watermarks.watchAll())).rejects.toMatchObject({ code: CLOSED });
    }
);

test('aborting a watchAll that is still being opened ends it at once', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using proxy = await startTcpProxy({ target: server });
    await using store = await openOn({ urls: [proxy.url], replicas: 1 }, { timeoutMs: 4_000 });
    proxy.blackhole();
    const abort = new AbortController();
    const next = timed(firstOf(store.watermarks.watchAll({ signal: abort.signal })));
    abort.abort();
    expect((await next).value).toEqual({ done: true, value: undefined });
    expect((await next).tookMs).toBeLessThan(1_000);
    proxy.heal();
});

test('a watch that is still being opened when the store is closed does not come to life', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using proxy = await startTcpProxy({ target: server });
    const store = await openOn({ urls: [proxy.url], replicas: 1 });
    proxy.delay(100);
    const opening = timed(store.watermarks.watch('k', () => {}));
    await store.close();
    expect((await opening).code).toBe(CLOSED);
});

test.each([
    { when: 'in good times', fault: undefined },
    { when: 'while the server is gone', fault: 'SIGKILL' as const },
    { when: 'while the server hangs', fault: 'pause' as const }
])('a process that closes its store $when ends by itself', async ({ fault }) => {
    await using server = await startNatsServer({ binary: newest.path });
    const options = { servers: [server.url], bucket: uniqueBucket() };
    await using client = startClient({ role: 'visitor', options });
    await client.line('worked');
    if (fault === 'SIGKILL') {
        await server.kill();
    } else if (fault === 'pause') {
        server.pause();
    }
    const startedAt = performance.now();
    client.say('close');
    expect(await client.ended).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(CLOSE_MS + MARGIN_MS);
});
