import { expect, test } from 'vitest';

import { openWatermarkStore, type ResumeTokenService } from '../src/store.js';
import { startNatsServer } from '../src/testing.js';
import { natsServers } from './nats-binaries.js';
import { backends, openOn, uniqueBucket } from './support/backends.js';
import { FREE_AND_BOUND } from './support/free-and-bound.js';
import { receivedBy } from './support/monitor.js';

const SHARD = 's';
const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const ask = (tokens: ResumeTokenService, names: readonly string[]) => tokens.getOrCreateWatermarks(SHARD, names);

test.each([
    { ...natsServers().newest, mostMessages: 20 },
    { ...natsServers().oldest, mostMessages: 4_000 }
])('2,000 known tokens are asked for together on $version', async ({ path: binary, mostMessages }) => {
    await using server = await startNatsServer({ binary });
    const options = { servers: [server.url], bucket: uniqueBucket() };
    await using one = await openWatermarkStore(options);
    const tokens = named('t', 2_000);
    const watermarks = await ask(one.resumeTokens, tokens);
    await using two = await openWatermarkStore(options);
    await two.resumeTokens.head(SHARD);
    // The first call finds out that the tokens are known.
    expect(await ask(two.resumeTokens, tokens.slice(0, 20))).toEqual(watermarks.slice(0, 20));
    const before = await receivedBy(server);
    expect(await ask(two.resumeTokens, tokens.slice(20))).toEqual(watermarks.slice(20));
    expect((await receivedBy(server)) - before).toBeLessThan(mostMessages);
});

test.each(backends)('known and new tokens, in any order, and what was pruned: $name', async ({ start }) => {
    await using backend = await start();
    const bucket = uniqueBucket();
    await using one = await openOn(backend, { bucket, retainTokens: 0, retainMs: 0 });
    await using two = await openOn(backend, { bucket });
    const known = named('known-', 400);
    const watermarks = new Map(
        (await ask(one.resumeTokens, known)).map((watermark, index) => [known[index], watermark])
    );
    await one.resumeTokens.beginSync(SHARD, 'a sync in between');
    const shuffled = [...known.slice(200).toReversed(), ...known.slice(0, 200)].flatMap((token, index) =>
        index % 40 === 39 ? [token, `new-${index}`] : [token]
    );
    const found = await ask(two.resumeTokens, shuffled);
    expect(new Set(found).size).toBe(shuffled.length);
    for (const [index, token] of shuffled.entries()) {
        expect(watermarks.get(token) ?? found[index]).toBe(found[index]);
    }

    await one.resumeTokens.acknowledge(SHARD, watermarks.get('known-100') ?? '');
    await using three = await openOn(backend, { bucket });
    await expect
        .poll(() => three.resumeTokens.getResumeToken(SHARD, watermarks.get('known-99') ?? ''), { timeout: 15_000 })
        .toBeUndefined();
    const afterwards = await ask(three.resumeTokens, known);
    const head = [...found].sort().at(-1) ?? '';
    for (const [index, token] of known.entries()) {
        // What was removed is new; what is there is what it was.
        const isNew = (afterwards[index] ?? '') > head;
        expect({ token, isNew }).toEqual({ token, isNew: index < 100 });
        expect(isNew || afterwards[index] === watermarks.get(token)).toBe(true);
    }
});

test('whoever may not read directly looks them up one by one', async () => {
    await using server = await startNatsServer({ binary: natsServers().newest.path, config: FREE_AND_BOUND });
    const options = { servers: [server.url], bucket: uniqueBucket() };
    await using free = await openWatermarkStore({ ...options, user: 'free', pass: 'a' });
    const tokens = named('t', 300);
    const watermarks = await ask(free.resumeTokens, tokens);
    await using bound = await openWatermarkStore({ ...options, user: 'bound', pass: 'b' });
    expect(await ask(bound.resumeTokens, tokens)).toEqual(watermarks);
    expect(await ask(bound.resumeTokens, [...tokens, 'new'])).toEqual([...watermarks, expect.any(String)]);
});
