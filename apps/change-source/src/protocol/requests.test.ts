import { describe, expect, test } from 'vitest';

import { ChangeSourceModule } from '../change-source.module.js';
import { UpstreamSource } from '../upstream/upstream-source.js';
import { committedWatermark } from './acknowledgement.js';
import { EmptySecretError, SharedSecret } from './secret.js';
import { BadRequestError, parseStreamRequest, shardIdOf } from './stream-request.js';

const schema = { tables: { item: { primaryKey: ['id'], columns: { id: 'string' } } } } as const;
const parse = (query: string) => parseStreamRequest(new URLSearchParams(query));

describe('a request', () => {
    test('of zero-cache is read, at first and later', () => {
        expect(parse('secret=s&appID=zero&shardNum=0')).toEqual({
            appId: 'zero',
            shardNum: 0,
            publications: [],
            lastWatermark: undefined
        });
        const later = parse('appID=a_1&shardNum=12&publications=a&publications=b&lastWatermark=3lp&replicaVersion=3la');
        expect(later).toMatchObject({ shardNum: 12, publications: ['a', 'b'], lastWatermark: '3lp' });
        expect(shardIdOf(later)).toBe('a_1_12');
    });

    test.each([
        '',
        'appID=&shardNum=0',
        'appID=A&shardNum=0',
        'appID=a.b&shardNum=0',
        'appID=zero',
        'appID=zero&shardNum=01'
    ])('%j is refused', query => {
        expect(() => parse(query)).toThrow(BadRequestError);
    });
});

describe('a secret', () => {
    test('is right when it is the same, whatever its length', () => {
        expect(new SharedSecret('s3cret').isRight('s3cret')).toBe(true);
        expect(
            ['s3cre', 's3cret ', '', null, 'x'.repeat(10_000)].map(given => new SharedSecret('s3cret').isRight(given))
        ).toEqual(Array.from({ length: 5 }, () => false));
    });

    test('is not needed when none is set', () => {
        expect(new SharedSecret(undefined).isRight(null)).toBe(true);
    });

    test('that is empty would let everybody in without a word, and is refused', () => {
        class Source extends UpstreamSource {
            override snapshot = () => Promise.reject(new Error('not used'));
            override changesAfter = () => (async function* () {})();
        }
        const attempt = () => ChangeSourceModule.forRoot({ schema, source: Source, secret: '' });
        expect(attempt).toThrow(EmptySecretError);
        expect(attempt).toThrow(/undefined/);
    });
});

describe('what zero-cache sends', () => {
    const read = (message: unknown) => committedWatermark(JSON.stringify(message));

    test('acknowledges a commit, also with more in it than today', () => {
        expect(read(['status', { tag: 'commit' }, { watermark: '105' }])).toBe('105');
        expect(read(['status', { tag: 'commit', commitTimeMs: 1, later: [] }, { watermark: '105', later: 1 }])).toBe(
            '105'
        );
    });

    test('or echoes a status, which promises nothing', () => {
        expect(read(['status', { ack: true }, { watermark: '105' }])).toBeUndefined();
        expect(read(['status', {}, { watermark: '105' }])).toBeUndefined();
    });

    test.each(['', '{}', '[]', '["status",{"tag":"commit"},{}]', '["other",{"tag":"commit"},{"watermark":"105"}]'])(
        'or is not understood: %j',
        text => {
            expect(() => committedWatermark(text)).toThrow(/JSON|invalid|expected|Expected|missing/i);
        }
    );
});
