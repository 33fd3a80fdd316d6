import { equals, grows } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';
import { named } from './calls.js';
import { expectReset } from './resume.js';

const withInstances = given({ needs: ['instances'] });
const alone = given({ alone: true });

export const abandoning: Topic = {
    service: 'ResumeTokenService',
    name: 'abandon and clear',
    promises: [
        promise('every watermark given so far resumes with a reset', async ({ resumeTokens, shard }) => {
            const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 3));
            given.push(await resumeTokens.beginSync(shard(), 't2'));
            equals(await resumeTokens.abandon(shard()), undefined, 'what abandon gives');
            for (const watermark of given) {
                expectReset(await resumeTokens.resume(shard(), watermark), ['pruned'], 'resume');
                equals(await resumeTokens.getResumeToken(shard(), watermark), undefined, 'the token');
            }
            equals(await resumeTokens.head(shard()), null, 'head');
        }),
        promise('new watermarks are above all that were given, those of old tokens too', async scene => {
            const { resumeTokens, shard } = scene;
            const given = await resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b']);
            await resumeTokens.abandon(shard());
            const after = await resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b', 'c']);
            grows([...given, ...after], 'the watermarks');
            equals(
                await resumeTokens.resume(shard(), after[0]),
                { kind: 'resume', resumeToken: 'a' },
                'resume from a new one'
            );
            expectReset(await resumeTokens.resume(shard(), given[0]), ['pruned'], 'resume from an old one');
        }),
        promise('it may be repeated, also in a shard that has nothing', async ({ resumeTokens, shard }) => {
            const watermarks: string[] = [];
            await resumeTokens.abandon(shard());
            for (let round = 0; round < 3; round += 1) {
                watermarks.push(await resumeTokens.beginSync(shard(), 'a'));
                await resumeTokens.abandon(shard());
                await resumeTokens.abandon(shard());
            }
            equals(await resumeTokens.head(shard()), null, 'head');
            watermarks.push(await resumeTokens.getOrCreateWatermark(shard(), 'a'));
            grows(watermarks, 'the watermarks');
        }),
        withInstances('what one instance abandons, every other resets', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            const other = await otherResumeTokens();
            const given = await resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b']);
            await other.abandon(shard());
            for (const watermark of given) {
                expectReset(await resumeTokens.resume(shard(), watermark), ['pruned'], 'resume');
            }
            equals(await resumeTokens.head(shard()), null, 'head');
            const after = await resumeTokens.getOrCreateWatermarks(shard(), ['a', 'c']);
            grows([...given, ...after], 'the watermarks');
            equals(
                await other.getOrCreateWatermark(shard(), 'a'),
                after[0],
                'the watermark of a token, from the other'
            );
        }),
        withInstances('who has given something new remembers nothing that was abandoned', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            const other = await otherResumeTokens();
            const given = await resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b']);
            await other.abandon(shard());
            const newer = await resumeTokens.getOrCreateWatermark(shard(), 'c');
            const again = await resumeTokens.getOrCreateWatermark(shard(), 'a');
            grows([...given, newer, again], 'the watermarks');
            const point = await other.resume(shard(), again);
            equals(point, { kind: 'resume', resumeToken: 'a' }, 'resume of the other');
        }),
        withInstances('who asks for a token while it abandons the shard does not remember it', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            const other = await otherResumeTokens();
            for (const token of ['a', 'b', 'c']) {
                await other.getOrCreateWatermark(shard(), token);
                await Promise.all([resumeTokens.getOrCreateWatermark(shard(), token), resumeTokens.abandon(shard())]);
                const again = await resumeTokens.getOrCreateWatermark(shard(), token);
                const point = await other.resume(shard(), again);
                equals(point, { kind: 'resume', resumeToken: token }, 'resume of the other');
            }
        }),
        withInstances('two that abandon at once lose nothing that was stored since', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            const other = await otherResumeTokens();
            const before = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 3));
            await Promise.all([resumeTokens.abandon(shard()), other.abandon(shard())]);
            const after = await resumeTokens.getOrCreateWatermark(shard(), 'a');
            grows([...before, after], 'the watermarks');
            equals(await other.resume(shard(), after), { kind: 'resume', resumeToken: 'a' }, 'resume of the other');
        }),
        alone('clear abandons all shards', async ({ resumeTokens, shard }) => {
            const ids = ['one', 'two', 'ü'].map(shard);
            const given = await Promise.all(ids.map(id => resumeTokens.getOrCreateWatermark(id, 'a')));
            equals(await resumeTokens.clear(), undefined, 'what clear gives');
            for (const [n, id] of ids.entries()) {
                equals(await resumeTokens.head(id), null, `head of ${id}`);
                expectReset(await resumeTokens.resume(id, given[n]), ['pruned'], `resume in ${id}`);
                grows([given[n] ?? '', await resumeTokens.getOrCreateWatermark(id, 'a')], `the watermarks of ${id}`);
            }
        }),
        given({ alone: true, needs: ['instances'] })('clear abandons what other instances have stored', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            const other = await otherResumeTokens();
            const watermark = await other.getOrCreateWatermark(shard(), 'a');
            await resumeTokens.clear();
            expectReset(await other.resume(shard(), watermark), ['pruned'], 'resume of the other');
            equals(await other.head(shard()), null, 'head of the other');
        }),
        alone('where there is nothing, clear is no error', async ({ resumeTokens, shard }) => {
            await resumeTokens.clear();
            await resumeTokens.getOrCreateWatermark(shard(), 'a');
            await resumeTokens.clear();
            await resumeTokens.clear();
            equals(await resumeTokens.head(shard()), null, 'head');
        })
    ]
};
