import { expect, test } from 'vitest';

import { WatermarkErrorCode } from '../../src/store.js';
import { startNatsServer, startTcpProxy } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { eventually, openOn, recordLog, uniqueBucket } from '../support/backends.js';
import { MARGIN_MS, timed } from '../support/outcomes.js';

const { newest } = natsServers();
const { UNAVAILABLE, OUTCOME_UNKNOWN } = WatermarkErrorCode;

/** Longer than the ten attempts after which the client itself would give up. */
const OUTAGE_MS = 8_000;
const TIMEOUT_MS = 1_000;

/** The next attempt to connect is half a second away, or an attempt that hangs five. */
const BACK_MS = 7_000;

test.each(['cut', 'blackhole', 'kill'] as const)(
    'a connection that is gone for long (%s) comes back by itself, and everything goes on',
    async how => {
        await using server = await startNatsServer({ binary: newest.path });
        await using proxy = await startTcpProxy({ target: server });
        const options = { bucket: uniqueBucket(), timeoutMs: TIMEOUT_MS, logger: recordLog() };
        await using store = await openOn({ urls: [proxy.url], replicas: 1 }, options);
        await using other = await openOn({ urls: [server.url], replicas: 1 }, { ...options, timeoutMs: 15_000 });
        const { watermarks, resumeTokens } = store;
        const seen: string[] = [];
        await watermarks.watch('users', ({ version }) => seen.push(version));
        const first = await resumeTokens.getOrCreateWatermark('s', 'first');

        if (how === 'kill') {
            await server.kill();
        } else {
            proxy[how]();
        }
        for (const until = performance.now() + OUTAGE_MS; performance.now() < until;) {
            const calls = [watermarks.get('users'), watermarks.set('x', 'v1'), resumeTokens.head('s')];
            for (const { code, tookMs } of await Promise.all(calls.map(call => timed<unknown>(call)))) {
                expect([UNAVAILABLE, OUTCOME_UNKNOWN]).toContain(code);
                expect(tookMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
            }
        }
        if (how === 'kill') {
            await server.restart();
        } else {
            await other.watermarks.set('users', 'during');
            proxy.heal();
        }
        const backAt = performance.now();
        let isBack = false;
        while (!isBack) {
            isBack = (await timed(watermarks.set('x', 'v2'))).code === undefined;
        }
        expect(performance.now() - backAt).toBeLessThan(BACK_MS);
        await other.watermarks.set('users', 'after');
        await eventually('the watch goes on', () => seen.at(-1) === 'after');
        expect(seen.length).toBeLessThanOrEqual(2);
        expect((await resumeTokens.getOrCreateWatermark('s', 'second')) > first).toBe(true);
        expect(await resumeTokens.getResumeToken('s', first)).toBe('first');
    }
);
