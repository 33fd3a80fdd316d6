import { WatermarkErrorCode } from '../../errors.js';
import { isLexiVersion } from '../../lexi-version.js';
import type { ResumeTokenService } from '../../resume-tokens.js';
import { equals, grows, holds, rejects } from '../expect.js';
import { given, promise, type Promised, type Topic } from '../promise.js';
import { named } from './calls.js';

const withInstances = given({ needs: ['instances'] });

/** Tokens that some store or other might confuse with each other, or with its own bookkeeping. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
    'words of bookkeeping': [
        'lsn',
        'head',
        'marker.head',
        'sync',
        'sync.x',
        'fence',
        'null',
        '__proto__',
        'constructor'
    ],
    'numbers and LexiVersions': ['1', '01', '00', '0a', '1.0', '1e0', '-1', '110.01'],
    'base64 and JSON': ['gmVn/+A==', 'gmVn_-A', '{"_data":"82 6"}', '{"_data": "82 6"}', '[]', '""'],
    'spaces and case': ['a', ' a', 'a ', 'A', '\ta', 'a\n', ' '],
    'control characters and quotes': ['\u0000', 'a\u0000', 'a', "'", '"', '\\', '%', '_', '*', '>'],
    'one composed, one decomposed': ['é', 'e\u0301', '日本', '😀', '\uFEFFa'],
    'long ones that differ at the end': [`${'x'.repeat(10_240)}1`, `${'x'.repeat(10_240)}2`, 'x'.repeat(10_240)]
};

function keptApart([kind, tokens]: [string, readonly string[]]): Promised {
    return promise(`any text is a token, and each has its own watermark: ${kind}`, async ({ resumeTokens, shard }) => {
        const watermarks = await resumeTokens.getOrCreateWatermarks(shard(), tokens);
        grows(watermarks, 'the watermarks');
        for (const [n, token] of tokens.entries()) {
            const told = JSON.stringify(token.slice(-20));
            const watermark = watermarks[n] ?? '';
            equals(
                await resumeTokens.getResumeToken(shard(), watermark),
                token,
                `the token of the watermark of ${told}`
            );
            equals(
                await resumeTokens.getOrCreateWatermark(shard(), token),
                watermark,
                `the watermark of ${told}, again`
            );
        }
    });
}

/** Has several services ask for the same tokens at once, in groups and one by one, and sees all get the same. */
async function race(services: readonly ResumeTokenService[], shardId: string): Promise<void> {
    const tokens = named('raced-', 40);
    const results = await Promise.all(
        services.flatMap(service => [
            service.getOrCreateWatermarks(shardId, tokens),
            Promise.all(tokens.map(token => service.getOrCreateWatermark(shardId, token)))
        ])
    );
    const [first = []] = results;
    equals(new Set(first).size, tokens.length, 'how many watermarks there are');
    results.forEach((result, n) => equals(result, first, `the watermarks of caller ${n}, as those of the first`));
}

export const oneWatermark: Topic = {
    service: 'ResumeTokenService',
    name: 'one watermark a token',
    promises: [
        promise('a watermark is a LexiVersion, and the same token gets it again', async ({ resumeTokens, shard }) => {
            const watermark = await resumeTokens.getOrCreateWatermark(shard(), 'a');
            holds(isLexiVersion(watermark), `${watermark} is a LexiVersion`);
            equals(await resumeTokens.getOrCreateWatermark(shard(), 'a'), watermark, 'the watermark, again');
            equals(await resumeTokens.getOrCreateWatermarks(shard(), ['a']), [watermark], 'the watermark, in a group');
        }),
        promise('a later token has a larger one', async ({ resumeTokens, shard }) => {
            const watermarks: string[] = [];
            for (const token of named('t', 40)) {
                watermarks.push(await resumeTokens.getOrCreateWatermark(shard(), token));
            }
            grows(watermarks, 'the watermarks');
        }),
        promise('the order is that of the calls, not that of the tokens', async ({ resumeTokens, shard }) => {
            const watermarks: string[] = [];
            for (const token of ['z', 'm', 'a', '9', '10']) {
                watermarks.push(await resumeTokens.getOrCreateWatermark(shard(), token));
            }
            grows(watermarks, 'the watermarks');
        }),
        promise('calls that overlap get watermarks in their order', async ({ resumeTokens, shard }) => {
            const tokens = named('t', 300);
            const calls = tokens.map(token => resumeTokens.getOrCreateWatermark(shard(), token));
            const watermarks = await Promise.all(calls);
            grows(watermarks, 'the watermarks');
            equals(await resumeTokens.getOrCreateWatermarks(shard(), tokens), watermarks, 'the same, asked for again');
        }),
        promise('calls of every kind that overlap get watermarks in their order', async ({ resumeTokens, shard }) => {
            const calls = [
                resumeTokens.getOrCreateWatermark(shard(), 'a'),
                resumeTokens.getOrCreateWatermarks(shard(), ['b', 'c']),
                resumeTokens.beginSync(shard(), 'c'),
                resumeTokens.getOrCreateWatermark(shard(), 'd'),
                resumeTokens.getOrCreateWatermarks(shard(), ['e', 'f']),
                resumeTokens.beginSync(shard(), 'a')
            ];
            grows((await Promise.all(calls)).flat(), 'the watermarks');
        }),
        promise('of calls that overlap one that is refused for its arguments fails alone', async scene => {
            const { resumeTokens, shard } = scene;
            const before = resumeTokens.getOrCreateWatermark(shard(), 'a');
            const call = () => resumeTokens.getOrCreateWatermarks(shard(), ['b', '']);
            const refused = rejects(WatermarkErrorCode.INVALID_ARGUMENT, call, 'a call with an empty token');
            const after = resumeTokens.getOrCreateWatermark(shard(), 'c');
            await refused;
            grows([await before, await after], 'the watermarks of the others');
        }),
        promise('many callers of one token at once get one watermark', async ({ resumeTokens, shard }) => {
            const calls = Array.from({ length: 50 }, () => resumeTokens.getOrCreateWatermark(shard(), 'a'));
            equals(new Set(await Promise.all(calls)).size, 1, 'how many watermarks there are');
        }),
        promise('many at once: new ones, known ones and the same one twice', async ({ resumeTokens, shard }) => {
            const known = await resumeTokens.getOrCreateWatermarks(shard(), ['b', 'd']);
            const all = await resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b', 'c', 'a', 'd', 'e']);
            const [a = '', b, c = '', again, d, e = ''] = all;
            equals([b, d], known, 'the watermarks of those that were known');
            equals(again, a, 'the watermark of the one that is there twice');
            grows([...known, a, c, e], 'the watermarks, those that were known first');
        }),
        promise('nothing asked for, nothing given', async ({ resumeTokens, shard }) => {
            equals(await resumeTokens.getOrCreateWatermarks(shard(), []), [], 'the watermarks');
            equals(await resumeTokens.head(shard()), null, 'head');
        }),
        promise('1,200 at once, and again', async ({ resumeTokens, shard }) => {
            const tokens = named('bulk-', 1_200);
            const watermarks = await resumeTokens.getOrCreateWatermarks(shard(), tokens);
            grows(watermarks, 'the watermarks');
            equals(watermarks.length, tokens.length, 'how many there are');
            const again = await resumeTokens.getOrCreateWatermarks(shard(), tokens.toReversed());
            equals(again, watermarks.toReversed(), 'the same, asked for in another order');
        }),
        promise('the array of tokens is taken as it is at the call', async ({ resumeTokens, shard }) => {
            const tokens = ['a', 'b'];
            const calling = resumeTokens.getOrCreateWatermarks(shard(), tokens);
            tokens.push('c');
            tokens[0] = 'changed';
            const [first = ''] = await calling;
            equals(await resumeTokens.getResumeToken(shard(), first), 'a', 'the token of the first watermark');
        }),
        ...Object.entries(KINDS).map(keptApart),
        withInstances('another instance gets the same, and turns it back', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            const other = await otherResumeTokens();
            const watermark = await resumeTokens.getOrCreateWatermark(shard(), 'a');
            equals(await other.getOrCreateWatermark(shard(), 'a'), watermark, 'the watermark, from the other');
            equals(await other.getResumeToken(shard(), watermark), 'a', 'the token, from the other');
            const next = await other.getOrCreateWatermark(shard(), 'b');
            const last = await resumeTokens.getOrCreateWatermark(shard(), 'c');
            grows([watermark, next, last], 'the watermarks of both in turns');
        }),
        withInstances('instances that race for the same tokens all get the same', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            await resumeTokens.provision([shard()]);
            await race([resumeTokens, await otherResumeTokens(), await otherResumeTokens()], shard());
        }),
        withInstances('instances that race with tokens of their own never get the same', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            await resumeTokens.provision([shard()]);
            const services = [resumeTokens, await otherResumeTokens()];
            const given = await Promise.all(
                services.map((service, n) =>
                    Promise.all(named(`of-${n}-`, 50).map(token => service.getOrCreateWatermark(shard(), token)))
                )
            );
            given.forEach((watermarks, n) => grows(watermarks, `the watermarks of instance ${n}`));
            equals(new Set(given.flat()).size, 100, 'how many watermarks there are');
        })
    ]
};
