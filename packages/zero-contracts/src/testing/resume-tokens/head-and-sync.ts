import { isLexiVersion } from '../../lexi-version.js';
import { equals, grows, holds } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';
import { named } from './calls.js';

const withInstances = given({ needs: ['instances'] });

export const headAndSync: Topic = {
    service: 'ResumeTokenService',
    name: 'head and beginSync',
    promises: [
        promise('a shard without a watermark has no head', async ({ resumeTokens, shard }) => {
            equals(await resumeTokens.head(shard()), null, 'head');
        }),
        promise('the head is the newest watermark, with its token', async ({ resumeTokens, shard }) => {
            for (const resumeToken of ['b', 'c', 'a']) {
                const watermark = await resumeTokens.getOrCreateWatermark(shard(), resumeToken);
                equals(await resumeTokens.head(shard()), { watermark, resumeToken }, `head after ${resumeToken}`);
            }
        }),
        promise('asking for a known token does not move the head', async ({ resumeTokens, shard }) => {
            const given = await resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b']);
            await resumeTokens.getOrCreateWatermark(shard(), 'a');
            equals(await resumeTokens.head(shard()), { watermark: given[1], resumeToken: 'b' }, 'head');
        }),
        promise(
            'beginSync gives a LexiVersion above all before it, which is the head',
            async ({ resumeTokens, shard }) => {
                const before = await resumeTokens.getOrCreateWatermark(shard(), 'a');
                const sync = await resumeTokens.beginSync(shard(), 'b');
                holds(isLexiVersion(sync), `${sync} is a LexiVersion`);
                grows([before, sync], 'the watermarks');
                equals(await resumeTokens.head(shard()), { watermark: sync, resumeToken: 'b' }, 'head');
            }
        ),
        promise(
            'beginSync gives a new one each time, also for a token that has one',
            async ({ resumeTokens, shard }) => {
                const change = await resumeTokens.getOrCreateWatermark(shard(), 'a');
                const syncs: string[] = [];
                for (let round = 0; round < 3; round += 1) {
                    syncs.push(await resumeTokens.beginSync(shard(), 'a'));
                }
                syncs.push(...(await Promise.all([1, 2, 3].map(() => resumeTokens.beginSync(shard(), 'a')))));
                grows([change, ...syncs], 'the watermarks');
                equals(
                    await resumeTokens.getOrCreateWatermark(shard(), 'a'),
                    change,
                    'the watermark of the token itself'
                );
            }
        ),
        promise('a sync’s watermark leads back to its token', async ({ resumeTokens, shard }) => {
            const sync = await resumeTokens.beginSync(shard(), 'a');
            const again = await resumeTokens.beginSync(shard(), 'a');
            for (const watermark of [sync, again]) {
                equals(await resumeTokens.getResumeToken(shard(), watermark), 'a', 'the token');
                equals(await resumeTokens.resume(shard(), watermark), { kind: 'resume', resumeToken: 'a' }, 'resume');
            }
        }),
        promise('what comes after a sync is above it, the sync’s own token too', async ({ resumeTokens, shard }) => {
            const sync = await resumeTokens.beginSync(shard(), 'a');
            const change = await resumeTokens.getOrCreateWatermark(shard(), 'a');
            const next = await resumeTokens.getOrCreateWatermark(shard(), 'b');
            grows([sync, change, next], 'the watermarks');
            equals(await resumeTokens.getResumeToken(shard(), change), 'a', 'the token of the change');
        }),
        withInstances('any instance knows the head, and never gives a sync’s watermark again', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            const other = await otherResumeTokens();
            const sync = await resumeTokens.beginSync(shard(), 'a');
            equals(await other.head(shard()), { watermark: sync, resumeToken: 'a' }, 'head of the other');
            const more = await Promise.all([resumeTokens, other].map(service => service.beginSync(shard(), 'a')));
            equals(new Set([sync, ...more]).size, 3, 'how many watermarks three syncs have');
            const after = await other.getOrCreateWatermarks(shard(), named('t', 3));
            grows([sync, ...more.toSorted(), ...after], 'all watermarks');
        })
    ]
};
