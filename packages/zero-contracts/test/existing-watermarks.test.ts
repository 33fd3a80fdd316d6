import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ExistingAlgorithm, type ExistingKeys } from '../../../test/support/existing-algorithm.js';
import { ExistingWatermarks, isLexiVersion, versionToLexi, WatermarkErrorCode } from '../src/index.js';
import { openMemoryStore } from '../src/memory.js';
import { entriesIn, linesOf } from '../src/testing/exports.js';

/** A store of the existing packages in memory. After so many writes it fails, as when its process is killed. */
class Existing implements ExistingKeys {
    readonly #entries = new Map<string, { readonly value: string; readonly revision: number }>();
    #revision = 0;
    writesLeft = Infinity;

    async get(key: string) {
        return this.#entries.get(key);
    }

    async put(key: string, value: string, revision?: number): Promise<boolean> {
        if (revision !== undefined && this.#entries.get(key)?.revision !== revision) {
            return false;
        }
        if (this.writesLeft <= 0) {
            throw new Error('killed');
        }
        this.writesLeft -= 1;
        this.#entries.set(key, { value, revision: (this.#revision += 1) });
        return true;
    }

    remove(key: string): void {
        this.#entries.delete(key);
    }

    all(): Map<string, string> {
        return new Map([...this.#entries].map(([key, { value }]) => [key, value]));
    }

    read(shardIds?: readonly string[]): Promise<ExistingWatermarks> {
        const entries = this.all();
        async function* each() {
            yield* Array.from(entries, ([key, value]) => ({ key, value }));
        }
        const store = { entries: each, get: async (key: string) => entries.get(key) };
        return ExistingWatermarks.in(store, shardIds === undefined ? {} : { shardIds });
    }
}

/** A store with these tokens, as the existing packages give them watermarks: `01`, `02`, … */
async function existingWith(tokens: readonly string[], shard = 'app-0'): Promise<Existing> {
    const existing = new Existing();
    const algorithm = new ExistingAlgorithm(existing);
    for (const token of tokens) {
        await algorithm.getOrCreateWatermark(shard, token);
    }
    return existing;
}

async function pairsOf(watermarks: ExistingWatermarks) {
    return entriesIn(await linesOf(watermarks.exportWatermarks({ despiteProblems: true }))) as unknown as {
        readonly shard: string;
        readonly watermark: string;
        readonly token: string;
        readonly sync?: true;
    }[];
}

const hex = (n: number) => `82${n.toString(16).toUpperCase().padStart(8, '0')}29295A1004`;

describe('what is as it should be', () => {
    test('arrives: old watermarks resume, tokens keep theirs, new ones are above', async () => {
        const existing = new Existing();
        const algorithm = new ExistingAlgorithm(existing);
        const tokens = Array.from({ length: 2_000 }, (_, index) => hex(index));
        for (const token of tokens) {
            await algorithm.getOrCreateWatermark('app-0', token);
            await algorithm.getOrCreateWatermark('app-1', `${token}.with/any=legal_character`);
        }
        const watermarks = await existing.read();
        expect(watermarks.problems).toEqual([]);
        expect([watermarks.shardIds, watermarks.count, watermarks.unrelated]).toEqual([['app-0', 'app-1'], 4_000, 0]);

        await using store = openMemoryStore();
        const report = await store.resumeTokens.importWatermarks(watermarks.exportWatermarks());
        expect(report).toEqual({ shardIds: ['app-0', 'app-1'], created: 4_000, alreadyThere: 0 });
        for (const token of tokens) {
            const old = await algorithm.getOrCreateWatermark('app-0', token);
            expect(await store.resumeTokens.resume('app-0', old)).toEqual({ kind: 'resume', resumeToken: token });
            expect(await store.resumeTokens.getOrCreateWatermark('app-0', token)).toBe(old);
        }
        expect((await store.resumeTokens.getOrCreateWatermark('app-0', 'new')) > versionToLexi(2_000)).toBe(true);
    });

    test('in one process after another, whatever the tokens, as long as they look like no watermarks', async () => {
        const anyToken = fc
            .string({ unit: fc.constantFrom(...'aZ09._-/='.split('')), minLength: 1, maxLength: 6 })
            .filter(token => !isLexiVersion(token) && token !== 'lsn');
        await fc.assert(
            fc.asyncProperty(fc.uniqueArray(anyToken, { maxLength: 40 }), async tokens => {
                const watermarks = await (await existingWith(tokens)).read();
                expect(watermarks.problems).toEqual([]);
                expect(await pairsOf(watermarks)).toEqual(
                    tokens.map((token, index) => ({ shard: 'app-0', watermark: versionToLexi(index + 1), token }))
                );
            })
        );
    });

    test('numbers that look like watermarks which were never given are tokens', async () => {
        const watermarks = await (await existingWith(['123', '124', '345678', '0z'])).read();
        expect(watermarks.problems).toEqual([]);
        expect((await pairsOf(watermarks)).map(({ token }) => token)).toEqual(['123', '124', '345678', '0z']);
    });

    test('a counter that is ahead of its mappings is', async () => {
        const existing = await existingWith(['a', 'b']);
        await existing.put('zero_app-0.lsn', '0z');
        expect((await existing.read()).problems).toEqual([]);
    });

    test('other entries are left alone; ids with a dot have to be named', async () => {
        const existing = await existingWith(['a', 'b'], 'app.eu');
        const algorithm = new ExistingAlgorithm(existing);
        await algorithm.getOrCreateWatermark('app', 'c');
        await existing.put('orders', '{}');
        await existing.put('zero_', 'x');
        await existing.put('zero_.x', 'x');
        const named = await existing.read(['app', 'app.eu']);
        expect([named.problems, named.unrelated]).toEqual([[], 3]);
        expect((await pairsOf(named)).map(({ shard, token }) => `${shard} ${token}`).sort()).toEqual([
            'app c',
            'app.eu a',
            'app.eu b'
        ]);
        expect((await existing.read(['app.eu'])).unrelated).toBe(6);
        // Without their ids, the keys of `app.eu` are taken for tokens of `app`, which does not go unnoticed.
        expect((await existing.read()).problemCount).toBeGreaterThan(0);
    });

    test('nothing at all is nothing', async () => {
        const watermarks = await new Existing().read();
        expect([watermarks.count, watermarks.problemCount, await pairsOf(watermarks)]).toEqual([0, 0, []]);
    });
});

describe('what is broken is reported, each with what is there and what should be', () => {
    /** Reads a store of three tokens to which something was done. */
    async function after(change: (existing: Existing) => unknown) {
        const existing = await existingWith(['a', 'b', 'c']);
        await change(existing);
        const watermarks = await existing.read();
        const refused = linesOf(watermarks.exportWatermarks()).then(
            () => undefined,
            (error: unknown) => error
        );
        expect(await refused).toMatchObject({ code: WatermarkErrorCode.CORRUPT_RECORD });
        expect(watermarks.problemCount).toBe(watermarks.problems.length);
        const pairs = (await pairsOf(watermarks)).map(
            ({ watermark, token, sync }) => `${watermark} ${token}${sync === true ? ' sync' : ''}`
        );
        return { problems: watermarks.problems, pairs };
    }

    test('a token with two watermarks: both lead back, the one that counts is the token’s', async () => {
        const { problems, pairs } = await after(async existing => {
            await existing.put('zero_app-0.lsn', '04');
            await existing.put('zero_app-0.b', '04');
            await existing.put('zero_app-0.04', 'b');
        });
        expect(problems).toEqual([
            {
                key: 'zero_app-0.02',
                found: 'a resume token that has the watermark "04"',
                expected: '"zero_app-0.b" with 02',
                consequence: expect.stringContaining('leads back to the token') as string
            }
        ]);
        expect(pairs).toEqual(['01 a', '02 b sync', '03 c', '04 b']);
    });

    test('a watermark that leads nowhere leads back again', async () => {
        const { problems, pairs } = await after(existing => existing.remove('zero_app-0.02'));
        expect(problems).toMatchObject([{ key: 'zero_app-0.b', found: '02, a watermark that leads nowhere' }]);
        expect(pairs).toEqual(['01 a', '02 b', '03 c']);
    });

    test('…for one token, if two claim it', async () => {
        const { problems, pairs } = await after(async existing => {
            existing.remove('zero_app-0.02');
            await existing.put('zero_app-0.d', '02');
        });
        expect(problems.map(({ key, consequence }) => `${key}: ${consequence}`)).toEqual([
            expect.stringMatching(/^zero_app-0.b: .*leads back to the token again/),
            expect.stringMatching(/^zero_app-0.d: It is left out/)
        ]);
        expect(pairs).toEqual(['01 a', '02 b', '03 c']);
    });

    test('a token without its watermark: the watermark leads back', async () => {
        const { problems, pairs } = await after(existing => existing.remove('zero_app-0.b'));
        expect(problems).toMatchObject([{ key: 'zero_app-0.02', found: 'a resume token that has no watermark' }]);
        expect(pairs).toEqual(['01 a', '02 b sync', '03 c']);
    });

    test('a watermark that another token has as well', async () => {
        const { problems, pairs } = await after(existing => existing.put('zero_app-0.d', '02'));
        expect(problems).toMatchObject([
            { key: 'zero_app-0.d', found: expect.stringMatching(/^02, .*another/) as string }
        ]);
        expect(pairs).toEqual(['01 a', '02 b', '03 c']);
    });

    test.each([
        ['behind its mappings', '02', '02', /03 or above/],
        ['that is none', 'three', '"three"', /a LexiVersion: the counter/]
    ])('a counter %s', async (_, counter, found, expected) => {
        const { problems, pairs } = await after(existing => existing.put('zero_app-0.lsn', counter));
        expect(problems).toMatchObject([
            { key: 'zero_app-0.lsn', found, expected: expect.stringMatching(expected) as string }
        ]);
        expect(pairs).toEqual(['01 a', '02 b', '03 c']);
    });

    test('no counter', async () => {
        const { problems, pairs } = await after(existing => existing.remove('zero_app-0.lsn'));
        expect(problems).toMatchObject([{ key: 'zero_app-0.lsn', found: 'nothing' }]);
        expect(pairs).toEqual(['01 a', '02 b', '03 c']);
    });

    test.each([
        ['a watermark that is no LexiVersion', 'zero_app-0.b', 'two', '"two"', ['01 a', '02 b sync', '03 c'], 2],
        ['an empty token', 'zero_app-0.02', '', '""', ['01 a', '03 c'], 2],
        ['half a surrogate pair', 'zero_app-0.02', '\ud800', '"\\ud800"', ['01 a', '03 c'], 2]
    ])('%s', async (_, key, value, found, expected, count) => {
        const { problems, pairs } = await after(existing => existing.put(key, value));
        expect(problems).toHaveLength(count);
        expect(problems.find(problem => problem.key === key)).toMatchObject({ found });
        expect(pairs).toEqual(expected);
    });

    test('tokens that can’t be told from watermarks or from the counter', async () => {
        const existing = await existingWith(['lsn', 'a', '01', 'b']);
        const watermarks = await existing.read();
        const keys = watermarks.problems.map(({ key }) => key);
        // `01` was taken for the watermark that it looks like, and so has none of its own.
        expect(keys).toEqual(['zero_app-0.01']);
        const pairs = (await pairsOf(watermarks)).map(({ watermark, token }) => `${watermark} ${token}`);
        expect(pairs).toEqual(['01 lsn', '02 a', '03 b']);

        const both = await existingWith(['a', 'b']);
        await both.put('zero_app-0.02', '01');
        expect((await both.read()).problems).toMatchObject([
            { key: 'zero_app-0.b' },
            { key: 'zero_app-0.02', found: '"01", and both look like watermarks' }
        ]);
    });

    test('long keys and values are shortened, and not more than a thousand are listed', async () => {
        const existing = new Existing();
        for (let index = 0; index < 1_200; index += 1) {
            await existing.put(`zero_app-0.${'x'.repeat(300)}${index}`, 'y'.repeat(300));
        }
        const { problems, problemCount } = await existing.read();
        expect([problems.length, problemCount]).toEqual([1_000, 1_200]);
        expect(Math.max(...problems.map(({ key, found }) => key.length + found.length))).toBeLessThan(260);
    });
});

test('whatever races and kills do to an existing store, no watermark that leads back is lost', async () => {
    const anyRun = fc.array(
        fc.record({
            tokens: fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }),
            writes: fc.nat(12)
        }),
        { minLength: 1, maxLength: 6 }
    );
    await fc.assert(
        fc.asyncProperty(anyRun, async runs => {
            const existing = new Existing();
            for (const { tokens, writes } of runs) {
                // Several instances at once, all of them killed after some writes.
                existing.writesLeft = writes;
                const calls = tokens.map(token =>
                    new ExistingAlgorithm(existing).getOrCreateWatermark('app-0', `token-${token}`)
                );
                await Promise.allSettled(calls);
            }
            const watermarks = await existing.read();
            const pairs = await pairsOf(watermarks);
            const exported = new Map(pairs.map(({ watermark, token }) => [watermark, token]));
            for (const [key, value] of existing.all()) {
                const name = key.slice('zero_app-0.'.length);
                if (isLexiVersion(name)) {
                    expect(exported.get(name)).toBe(value);
                }
            }
            const newest = [...exported.keys()].sort().at(-1) ?? '';
            await using store = openMemoryStore();
            await store.resumeTokens.importWatermarks(watermarks.exportWatermarks({ despiteProblems: true }));
            expect((await store.resumeTokens.getOrCreateWatermark('app-0', 'new')) > newest).toBe(true);
            for (const { watermark, token } of pairs.filter(({ sync }) => sync !== true)) {
                expect(await store.resumeTokens.getOrCreateWatermark('app-0', token)).toBe(watermark);
            }
        })
    );
});

test('what is removed while it is exported is not passed over', async () => {
    const existing = await existingWith(['a', 'b']);
    const entries = existing.all();
    async function* each() {
        yield* Array.from(entries, ([key, value]) => ({ key, value }));
    }
    const watermarks = await ExistingWatermarks.in({ entries: each, get: async key => entries.get(key) });
    entries.delete('zero_app-0.02');
    await expect(linesOf(watermarks.exportWatermarks())).rejects.toMatchObject({
        code: WatermarkErrorCode.UNAVAILABLE
    });
});
