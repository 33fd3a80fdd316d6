import { WatermarkErrorCode } from '../../errors.js';
import { equals, grows, holds, rejects } from '../expect.js';
import { given, type Topic } from '../promise.js';
import { callsWithShard, named } from './calls.js';

const own = given({ own: {} });
const durable = given({ own: {}, needs: ['durable'] });
const besideOthers = given({ own: {}, needs: ['instances'] });

export const lifetime: Topic = {
    service: 'ResumeTokenService',
    name: 'close, and opening again',
    promises: [
        own('after close every call is refused', async ({ resumeTokens, shard }) => {
            await resumeTokens.getOrCreateWatermark(shard(), 'token');
            await resumeTokens.close();
            for (const [method, call] of Object.entries(callsWithShard)) {
                await rejects(WatermarkErrorCode.CLOSED, () => call(resumeTokens, shard()), method);
            }
            await rejects(WatermarkErrorCode.CLOSED, () => resumeTokens.clear(), 'clear');
        }),
        own('close may be called again, also while it is under way', async ({ resumeTokens, shard }) => {
            await resumeTokens.getOrCreateWatermark(shard(), 'a');
            await Promise.all([resumeTokens.close(), resumeTokens.close()]);
            await resumeTokens.close();
        }),
        own('leaving the scope of `await using` closes it', async ({ resumeTokens, shard }) => {
            await resumeTokens[Symbol.asyncDispose]();
            await rejects(WatermarkErrorCode.CLOSED, () => resumeTokens.head(shard()), 'head');
        }),
        own('close lets calls under way finish, in their order', async ({ resumeTokens, shard }) => {
            await resumeTokens.provision([shard()]);
            const calls = named('t', 50).map(token => resumeTokens.getOrCreateWatermark(shard(), token));
            await resumeTokens.close();
            const outcomes = await Promise.allSettled(calls);
            const given = outcomes.map(outcome =>
                outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason)
            );
            equals(outcomes.filter(({ status }) => status === 'rejected').length, 0, `failed calls (${given.at(-1)})`);
            grows(given, 'the watermarks');
        }),
        besideOthers('what was given before close, another instance knows', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            const other = await otherResumeTokens();
            await resumeTokens.provision([shard()]);
            const calling = resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b']);
            await resumeTokens.close();
            const given = await calling;
            equals(await other.head(shard()), { watermark: given[1], resumeToken: 'b' }, 'head of the other');
        }),
        durable('tokens have their watermarks when it is opened again, and new ones are above', async scene => {
            const { shard, reopen } = scene;
            const tokens = named('t', 20);
            const given = await scene.resumeTokens.getOrCreateWatermarks(shard(), tokens);
            const sync = await scene.resumeTokens.beginSync(shard(), 't3');
            await reopen();
            equals(await scene.resumeTokens.head(shard()), { watermark: sync, resumeToken: 't3' }, 'head');
            equals(await scene.resumeTokens.getOrCreateWatermarks(shard(), tokens), given, 'the watermarks');
            const next = await scene.resumeTokens.getOrCreateWatermark(shard(), 'next');
            grows([...given, sync, next], 'the watermarks with new ones');
        }),
        durable('every watermark resumes when it is opened again', async scene => {
            const { shard, reopen } = scene;
            const given = await scene.resumeTokens.getOrCreateWatermarks(shard(), named('t', 5));
            await reopen();
            for (const [n, watermark] of given.entries()) {
                const point = await scene.resumeTokens.resume(shard(), watermark);
                equals(point, { kind: 'resume', resumeToken: `t${n}` }, `resume from watermark ${n}`);
            }
        }),
        durable('what was abandoned stays so when it is opened again', async scene => {
            const { shard, reopen } = scene;
            const given = await scene.resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b']);
            await scene.resumeTokens.abandon(shard());
            await reopen();
            equals(await scene.resumeTokens.head(shard()), null, 'head');
            const point = await scene.resumeTokens.resume(shard(), given[1]);
            holds(point.kind === 'reset-required', `resume asks for a reset: ${JSON.stringify(point)}`);
            grows([...given, await scene.resumeTokens.getOrCreateWatermark(shard(), 'a')], 'the watermarks');
        })
    ]
};
