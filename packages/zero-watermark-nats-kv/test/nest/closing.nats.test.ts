import 'reflect-metadata';

import { Test } from '@nestjs/testing';
import { describe, expect, test } from 'vitest';

import {
    type LexiVersion,
    openWatermarkStore,
    ResumeTokenService,
    WatermarkErrorCode,
    WatermarkService,
    ZeroWatermarkNatsKvModule
} from '../../src/index.js';
import { startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { recordLog, uniqueBucket } from '../support/backends.js';
import { MARGIN_MS, type Outcome, timed } from '../support/outcomes.js';

const { CLOSED, OUTCOME_UNKNOWN } = WatermarkErrorCode;

/** As docs/operations.md says: five seconds for calls under way, and as long for a connection that does not answer. */
const CLOSE_MS = 10_000;

const TOKENS = Array.from({ length: 5_000 }, (_, index) => `token ${index}`);

/** How much there is in an iteration until it ends. */
async function countOf(events: AsyncIterable<unknown>): Promise<number> {
    let count = 0;
    for await (const _ of events) {
        count += 1;
    }
    return count;
}

/** One of each call, and many of some, none of which is awaited. */
function callsOf(watermarks: WatermarkService, resumeTokens: ResumeTokenService) {
    const writes = Array.from({ length: 200 }, (_, index) => ({
        key: `set-${index}`,
        outcome: timed(watermarks.set(`set-${index}`, 'v1'))
    }));
    const merged = Array.from({ length: 200 }, (_, index) => timed(watermarks.set('merged', `v${index}`)));
    const tokens = timed(resumeTokens.getOrCreateWatermarks('s', TOKENS));
    const others = [
        ...[watermarks.get('there'), watermarks.getAll(), watermarks.getMany(['there', 'set-1'])],
        ...[watermarks.history('there'), watermarks.create('created', 'v1'), watermarks.advance('advanced', 'v1')],
        ...[watermarks.compareAndSet('there', 1, 'v2'), watermarks.delete('nothing')],
        ...[resumeTokens.head('s'), resumeTokens.resume('s', undefined), resumeTokens.beginSync('s', 'a snapshot')],
        ...[resumeTokens.getOrCreateWatermark('t', 'a token'), resumeTokens.provision(['u'])]
    ].map(call => timed<unknown>(call));
    const watch = timed(watermarks.watch('there', () => {}));
    return { writes, merged, tokens, others, watch };
}

/** Changes that go on for ever get their watermarks; what was given, and how it ended. */
async function assign(resumeTokens: ResumeTokenService) {
    async function* changes() {
        for (let index = 0; ; index += 1) {
            await new Promise(resolve => setImmediate(resolve));
            yield `change ${index}`;
        }
    }
    const given: { readonly change: string; readonly watermark: LexiVersion }[] = [];
    const ended = timed(
        (async () => {
            for await (const assigned of resumeTokens.assignWatermarks('s', changes(), {
                resumeTokenOf: token => token
            })) {
                given.push(assigned);
            }
        })()
    );
    return { given, outcome: await ended };
}

describe.each([
    { when: 'while the server answers', fault: undefined },
    { when: 'while the server is gone', fault: 'kill' as const },
    { when: 'while the server hangs', fault: 'pause' as const }
])('app.close() under load, $when', ({ fault }) => {
    test('it is bounded, each call has an outcome, and what was acknowledged is there', async () => {
        await using server = await startNatsServer({ binary: natsServers().newest.path });
        const options = { servers: [server.url], bucket: uniqueBucket(), logger: recordLog() };
        const app = await Test.createTestingModule({ imports: [ZeroWatermarkNatsKvModule.forRoot(options)] }).compile();
        const watermarks = app.get(WatermarkService);
        const resumeTokens = app.get(ResumeTokenService);
        await watermarks.set('there', 'v1');
        await resumeTokens.provision(['s']);
        const iteration = timed(countOf(watermarks.watchAll({ includeCurrent: true })));
        const assigning = assign(resumeTokens);
        const { writes, merged, tokens, others, watch } = callsOf(watermarks, resumeTokens);
        if (fault === 'kill') {
            await server.kill();
        } else if (fault === 'pause') {
            server.pause();
        }

        const { error, tookMs } = await timed(app.close());
        expect(error).toBeUndefined();
        expect(tookMs).toBeLessThan(CLOSE_MS + MARGIN_MS);
        const startedAt = performance.now();
        const outcomes: Outcome<unknown>[] = await Promise.all([
            ...writes.map(({ outcome }) => outcome),
            ...merged,
            ...others,
            tokens
        ]);
        const assigned = await assigning;
        expect((await iteration).error).toBeUndefined();
        expect(performance.now() - startedAt).toBeLessThan(MARGIN_MS);
        for (const outcome of [...outcomes, assigned.outcome, await watch]) {
            expect([undefined, CLOSED, OUTCOME_UNKNOWN]).toContain(outcome.code);
            expect(outcome.code === undefined).toBe(outcome.error === undefined);
        }
        expect(assigned.outcome.code).toBeDefined();
        if (fault === undefined) {
            expect(outcomes.filter(({ code }) => code !== undefined)).toEqual([]);
        }

        server.resume();
        await server.restart();
        await using store = await openWatermarkStore(options);
        const all = await store.watermarks.getAll();
        for (const { key, outcome } of writes) {
            const { code } = await outcome;
            const isThere = all.has(key);
            expect({ key, isThere: code === OUTCOME_UNKNOWN ? 'perhaps' : isThere }).toEqual({
                key,
                isThere: code === OUTCOME_UNKNOWN ? 'perhaps' : code === undefined
            });
        }
        for (const { change, watermark } of assigned.given) {
            expect(await store.resumeTokens.getResumeToken('s', watermark)).toBe(change);
        }
        const { value: given } = await tokens;
        const last = given?.at(-1);
        if (last !== undefined) {
            expect(await store.resumeTokens.getResumeToken('s', last)).toBe(TOKENS.at(-1));
        }
    });
});
