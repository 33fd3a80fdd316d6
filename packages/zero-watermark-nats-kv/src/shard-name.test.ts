import fc from 'fast-check';
import { expect, test } from 'vitest';

import { bucketOfShard, shardOfBucket } from './shard-name.js';

const anyShard = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
const trickyShard = fc.string({
    unit: fc.constantFrom('_', '-', 'A', '5', 'F', '/', '.', ' '),
    minLength: 1,
    maxLength: 8
});

test.each([
    ['myapp-0', 'b-tokens-myapp-0'],
    ['myapp_0', 'b-tokens-myapp_5F0'],
    ['a/b', 'b-tokens-a_2Fb'],
    ['ü', 'b-tokens-_C3_BC'],
    ['../..', 'b-tokens-_2E_2E_2F_2E_2E']
])('%j', (shardId, name) => {
    expect(bucketOfShard('b', shardId)).toBe(name);
    expect(shardOfBucket('b', name)).toBe(shardId);
});

test.each([
    ['any', anyShard],
    ['tricky', trickyShard]
] as const)('no two of %s shard ids share a bucket', (_, shards) => {
    fc.assert(
        fc.property(shards, shards, (a, b) => {
            expect(bucketOfShard('b', a) === bucketOfShard('b', b)).toBe(a === b);
            expect(bucketOfShard('b', a)).toMatch(/^[-\w]+$/);
            expect(shardOfBucket('b', bucketOfShard('b', a))).toBe(a);
        }),
        { numRuns: 2_000 }
    );
});

test.each([
    ['', /non-empty/],
    ['\uD800', /surrogate/],
    ['x'.repeat(300), /309 characters.*at most 252/],
    [undefined as unknown as string, /not undefined/]
])('%j is refused', (shardId, message) => {
    expect(() => bucketOfShard('b', shardId)).toThrow(message);
});

test.each([
    'b',
    'b-tokens-',
    'b-tokens-_',
    'b-tokens-_2f',
    'b-tokens-_41',
    'b-tokens-_FF',
    'b2-tokens-a',
    'b-tokens-a.b'
])('%s is no bucket of a shard of b', name => {
    expect(shardOfBucket('b', name)).toBeUndefined();
});
