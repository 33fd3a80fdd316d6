import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ExistingWatermarks, WatermarkErrorCode } from '../../src/index.js';
import { openMemoryStore } from '../../src/memory.js';

import { holds } from '../../../../test/support/fuzz.js';
import { anyText } from '../../../../test/support/hostile.js';
import { quietLogger } from '../../../../test/support/hostile-store.js';
import { checkPrototypes, outcomeOf } from '../../../../test/support/typed.js';

const word = fc.oneof(
    fc.constantFrom('lsn', '00', '01', '02', '0z', '110', 'token', 'zz', '*', '>', '__proto__'),
    anyText
);
const key = fc.oneof(
    fc.tuple(fc.constantFrom('s', 't', '__proto__'), word).map(([shard, name]) => `zero_${shard}.${name}`),
    anyText
);

test('whatever an existing store holds is judged, and what is exported of it can be imported, to the letter', async () => {
    await holds(
        fc.asyncProperty(fc.array(fc.tuple(key, word), { maxLength: 12 }), async entries => {
            const content = new Map(entries);
            async function* each() {
                for (const [name, value] of content) {
                    yield { key: name, value };
                }
            }
            const found = await ExistingWatermarks.in({ entries: each, get: async name => content.get(name) });
            checkPrototypes();
            for (const problem of found.problems) {
                expect(problem.key.length + problem.found.length).toBeLessThan(1_000);
            }
            await using store = openMemoryStore({ logger: quietLogger });
            const outcome = await outcomeOf('importWatermarks', () =>
                store.resumeTokens.importWatermarks(found.exportWatermarks({ despiteProblems: true }))
            );
            if ('code' in outcome) {
                // A watermark may be beyond the clock, by which the store gives out its own.
                expect(outcome.code).toBe(WatermarkErrorCode.IMPORT_CONFLICT);
                return;
            }
            expect(outcome.value.created).toBe(found.count);
            for (const shardId of found.shardIds) {
                const head = await store.resumeTokens.head(shardId);
                const back =
                    head === null ? undefined : await store.resumeTokens.getResumeToken(shardId, head.watermark);
                expect(back).toBe(head?.resumeToken);
            }
        }),
        { cost: 'call' }
    );
});
