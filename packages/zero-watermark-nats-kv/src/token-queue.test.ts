import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { Deadline, tokenEntry } from '@cbnsndwch/zero-contracts/backend';
import { expect, test } from 'vitest';

import type { GroupLimits } from './group-limits.js';
import type { NewToken, Placement } from './new-token.js';
import { TokenQueue } from './token-queue.js';

function token(text: string): NewToken {
    return { key: text, entry: tokenEntry(text), resumeToken: text };
}

interface Write {
    readonly keys: readonly string[];
    readonly found: Map<string, Placement>;
    readonly finish: (error?: Error) => void;
}

const near: GroupLimits = { tokens: 10_000, calls: 500, isFar: false };

function controlledQueue(limits = near) {
    const writes: Write[] = [];
    let sequence = 0;
    const queue = new TokenQueue(
        (tokens, found) =>
            new Promise<void>((resolve, reject) => {
                const keys = tokens.map(({ key }) => key);
                const finish = (error?: Error) => {
                    if (error !== undefined) {
                        reject(error);
                        return;
                    }
                    keys.forEach(key => found.set(key, { sequence: (sequence += 1), isNew: true }));
                    resolve();
                };
                writes.push({ keys, found, finish });
            }),
        () => limits
    );
    const addAll = (...texts: string[]) => queue.place(texts.map(token), Deadline.in(10_000));
    const add = async (text: string) => {
        const [placement] = await addAll(text);
        if (placement === undefined) {
            throw new Error('no placement');
        }
        return placement;
    };
    return { writes, add, addAll };
}

const turn = () => new Promise(resolve => setImmediate(resolve));

test('what is added in one turn goes into one write, in order', async () => {
    const { writes, add } = controlledQueue();
    const all = Promise.all(['a', 'b', 'c'].map(add));
    await turn();
    expect(writes.map(write => write.keys)).toEqual([['a', 'b', 'c']]);
    writes[0]?.finish();
    expect((await all).map(placement => placement.sequence)).toEqual([1, 2, 3]);
});

test('one write is in flight; what arrives meanwhile forms the next one', async () => {
    const { writes, add } = controlledQueue();
    const first = add('a');
    await turn();
    const others = [add('b'), add('c')];
    await turn();
    expect(writes).toHaveLength(1);
    writes[0]?.finish();
    await first;
    await turn();
    expect(writes.map(write => write.keys)).toEqual([['a'], ['b', 'c']]);
    writes[1]?.finish();
    await Promise.all(others);
});

test('a token that is there twice is written once, and both callers get it', async () => {
    const { writes, add } = controlledQueue();
    const both = Promise.all([add('a'), add('b'), add('a')]);
    await turn();
    expect(writes[0]?.keys).toEqual(['a', 'b']);
    writes[0]?.finish();
    expect((await both).map(placement => placement.sequence)).toEqual([1, 2, 1]);
});

test('a call of many tokens has them in its order, and keeps its place among other calls', async () => {
    const { writes, add, addAll } = controlledQueue();
    const calls = Promise.all([add('a'), addAll('b', 'c', 'b'), addAll(), add('d')]);
    await turn();
    expect(writes.map(write => write.keys)).toEqual([['a', 'b', 'c', 'd']]);
    writes[0]?.finish();
    const [first, many, none, last] = await calls;
    expect([first, many, none, last].flat().map(({ sequence }) => sequence)).toEqual([1, 2, 3, 2, 4]);
});

test('a write takes at most ten thousand tokens', async () => {
    const { writes, addAll } = controlledQueue();
    const all = addAll(...Array.from({ length: 25_000 }, (_, index) => `t${index}`));
    for (const size of [10_000, 10_000, 5_000]) {
        await turn();
        expect(writes.at(-1)?.keys).toHaveLength(size);
        writes.at(-1)?.finish();
    }
    const sequences = (await all).map(placement => placement.sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
});

test('a write takes at most five hundred calls, so that one half of many is answered while the other is stored', async () => {
    const { writes, add, addAll } = controlledQueue();
    const calls = [addAll('a', 'b'), ...Array.from({ length: 1_000 }, (_, index) => add(`t${index}`))];
    for (const size of [501, 500, 1]) {
        await turn();
        expect(writes.at(-1)?.keys).toHaveLength(size);
        writes.at(-1)?.finish();
    }
    await Promise.all(calls);
});

test('callers are told of one write when the next one has begun', async () => {
    const { writes, add } = controlledQueue();
    const first = add('a').then(() => writes.length);
    await turn();
    const second = add('b');
    writes[0]?.finish();
    expect(await first).toBe(2);
    writes[1]?.finish();
    await second;
});

test('far away, those who come back when they are told of a write join those who wait for the next one', async () => {
    const { writes, add } = controlledQueue({ ...near, isFar: true });
    const first = add('a').then(() => add('c'));
    await turn();
    const second = add('b');
    writes[0]?.finish();
    await turn();
    await turn();
    expect(writes.map(write => write.keys)).toEqual([['a'], ['b', 'c']]);
    writes[1]?.finish();
    await Promise.all([first, second]);
});

test('a write that fails fails all that waits behind it, which was not sent', async () => {
    const { writes, add } = controlledQueue();
    const first = add('a').catch((error: unknown) => error);
    await turn();
    const behind = add('b').catch((error: unknown) => error);
    const failure = new Error('no majority');
    writes[0]?.finish(failure);
    expect(await first).toBe(failure);
    expect(await behind).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE, cause: failure });
    expect(writes).toHaveLength(1);
    const later = add('c');
    await turn();
    writes[1]?.finish();
    expect((await later).sequence).toBe(1);
});

test('of a group that fails half way, those before have their outcome, and none after', async () => {
    const { writes, add } = controlledQueue();
    const calls = ['a', 'b', 'c'].map(text => add(text).catch((error: unknown) => error));
    await turn();
    // The last one was found, but the one before it was not: handing it out would break the order.
    writes[0]?.found.set('a', { sequence: 5, isNew: true }).set('c', { sequence: 4, isNew: false });
    const failure = new Error('lost');
    writes[0]?.finish(failure);
    expect(await Promise.all(calls)).toEqual([{ sequence: 5, isNew: true }, failure, failure]);
});
