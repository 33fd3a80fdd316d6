import { WatermarkErrorCode } from '../../errors.js';
import { equals, grows, rejects } from '../expect.js';
import { notStrings } from '../not-strings.js';
import { given, promise, type Promised, type Topic } from '../promise.js';
import { callsWithShard, callsWithToken, type ShardCall, type TokenCall } from './calls.js';

const withInstances = given({ needs: ['instances'] });

/** Shard ids that some store or other might confuse with each other. */
const NAMES = ['a', 'A', 'a_', 'a-', 'a.b', 'a/b', 'a b', 'ü', 'u\u0308', '%', "'"];

function badShardRefused([method, run]: [string, ShardCall]): Promised {
    return promise(`a shard id that is none is refused: ${method}`, async ({ resumeTokens }) => {
        for (const bad of ['', 'a\uD800', '\uDC00', ...notStrings]) {
            const call = () => run(resumeTokens, bad);
            await rejects(WatermarkErrorCode.INVALID_ARGUMENT, call, `${method} of ${typeof bad} ${String(bad)}`);
        }
    });
}

function badTokenRefused([method, run]: [string, TokenCall]): Promised {
    return promise(`a resume token that is none is refused, and nothing is stored: ${method}`, async scene => {
        const { resumeTokens, shard } = scene;
        for (const bad of ['', 'a\uDC00', '\uD800', ...notStrings]) {
            const call = () => run(resumeTokens, shard(), bad);
            await rejects(WatermarkErrorCode.INVALID_ARGUMENT, call, `${method} of ${typeof bad} ${String(bad)}`);
        }
        equals(await resumeTokens.head(shard()), null, 'head');
    });
}

export const shards: Topic = {
    service: 'ResumeTokenService',
    name: 'shards',
    promises: [
        promise('any text is a shard, and none touches another', async ({ resumeTokens, shard }) => {
            const ids = NAMES.map(shard);
            const given = await Promise.all(ids.map(id => resumeTokens.getOrCreateWatermark(id, `token of ${id}`)));
            for (const [n, id] of ids.entries()) {
                const expected = { watermark: given[n], resumeToken: `token of ${id}` };
                equals(await resumeTokens.head(id), expected, `head of ${JSON.stringify(id)}`);
            }
        }),
        promise('one token has a watermark in each shard that asks', async ({ resumeTokens, shard }) => {
            const [one, two] = [shard('one'), shard('two')];
            const first = await resumeTokens.getOrCreateWatermarks(one, ['a', 'b']);
            const second = await resumeTokens.getOrCreateWatermarks(two, ['b', 'a']);
            grows(first, 'the watermarks of the first shard');
            grows(second, 'the watermarks of the second shard');
            equals(await resumeTokens.getOrCreateWatermarks(one, ['a', 'b']), first, 'those of the first, again');
            equals(await resumeTokens.getResumeToken(two, second[0] ?? ''), 'b', 'the token in the second');
        }),
        promise('what is abandoned in one stays in the other', async ({ resumeTokens, shard }) => {
            const [one, two] = [shard('one'), shard('two')];
            await resumeTokens.getOrCreateWatermark(one, 'a');
            const watermark = await resumeTokens.getOrCreateWatermark(two, 'a');
            await resumeTokens.abandon(one);
            equals(await resumeTokens.head(one), null, 'head of the first');
            equals(await resumeTokens.head(two), { watermark, resumeToken: 'a' }, 'head of the second');
        }),
        promise('provision makes shards beforehand, and may be repeated', async ({ resumeTokens, shard }) => {
            const ids = [shard('one'), shard('two')];
            equals(await resumeTokens.provision(ids), undefined, 'what provision gives');
            const watermark = await resumeTokens.getOrCreateWatermark(ids[0] ?? '', 'a');
            await resumeTokens.provision(ids);
            equals(await resumeTokens.head(ids[0] ?? ''), { watermark, resumeToken: 'a' }, 'head of a shard in use');
            equals(await resumeTokens.head(ids[1] ?? ''), null, 'head of a shard that was only made');
            await resumeTokens.provision([]);
        }),
        withInstances(
            'instances may provision one shard at once',
            async ({ resumeTokens, shard, otherResumeTokens }) => {
                const services = [resumeTokens, await otherResumeTokens()];
                await Promise.all(services.map(service => service.provision([shard()])));
                const given = await Promise.all(
                    services.map((service, n) => service.getOrCreateWatermark(shard(), `t${n}`))
                );
                equals(new Set(given).size, 2, 'how many watermarks two tokens have');
            }
        ),
        ...Object.entries(callsWithShard).map(badShardRefused),
        ...Object.entries(callsWithToken).map(badTokenRefused),
        given({ needs: ['tokenLimit'] })(
            'a resume token that is too large is refused, and nothing is stored',
            async scene => {
                const { resumeTokens, shard, capabilities } = scene;
                const large = 'x'.repeat(capabilities.tokenLimit ?? 0);
                for (const [method, call] of Object.entries(callsWithToken)) {
                    await rejects(WatermarkErrorCode.VALUE_TOO_LARGE, () => call(resumeTokens, shard(), large), method);
                }
                equals(await resumeTokens.head(shard()), null, 'head');
            }
        )
    ]
};
