import { versionFromLexi, versionToLexi } from '../../lexi-version.js';
import { equals, grows, holds } from '../expect.js';
import { exportOfShard } from '../exports.js';
import { given, type Topic } from '../promise.js';
import type { Scene } from '../scene.js';
import { named } from './calls.js';
import { counted } from './import.js';
import { expectReset, forged } from './resume.js';

const keepingFive = given({ own: { retainTokens: 5, retainMs: 0 }, needs: ['retention'] });
const keepingNone = given({ own: { retainTokens: 0, retainMs: 0 }, needs: ['retention'] });
const byDefault = given({ own: {} });

/** Resolves once a watermark has been removed; acknowledging does not wait for that. */
async function untilGone({ resumeTokens, shard, patienceMs }: Scene, watermark = ''): Promise<void> {
    const until = performance.now() + patienceMs;
    while ((await resumeTokens.getResumeToken(shard(), watermark)) !== undefined) {
        holds(performance.now() < until, `what is below an acknowledged watermark goes within ${patienceMs} ms`);
        await new Promise(resolve => setTimeout(resolve, 5));
    }
}

export const retention: Topic = {
    service: 'ResumeTokenService',
    name: 'acknowledge',
    promises: [
        keepingFive('what is older than retainTokens goes, and resumes with a reset', async scene => {
            const { resumeTokens, shard } = scene;
            const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 30));
            equals(await resumeTokens.acknowledge(shard(), given[20] ?? ''), undefined, 'what acknowledge gives');
            await untilGone(scene, given[0]);
            for (const gone of [0, 7, 14]) {
                expectReset(await resumeTokens.resume(shard(), given[gone]), ['pruned'], `resume from ${gone} of 30`);
            }
        }),
        keepingFive('what retainTokens keeps stays, and all that is newer', async scene => {
            const { resumeTokens, shard } = scene;
            const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 30));
            await resumeTokens.acknowledge(shard(), given[20] ?? '');
            await untilGone(scene, given[0]);
            for (const kept of [15, 19, 20, 21, 29]) {
                const expected = { kind: 'resume', resumeToken: `t${kept}` };
                equals(await resumeTokens.resume(shard(), given[kept]), expected, `resume from ${kept} of 30`);
            }
            equals(await resumeTokens.head(shard()), { watermark: given[29], resumeToken: 't29' }, 'head');
        }),
        keepingNone('the acknowledged one itself stays, also as the head', async scene => {
            const { resumeTokens, shard } = scene;
            const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 5));
            await resumeTokens.acknowledge(shard(), given[4] ?? '');
            await untilGone(scene, given[3]);
            equals(await resumeTokens.resume(shard(), given[4]), { kind: 'resume', resumeToken: 't4' }, 'resume');
            equals(await resumeTokens.head(shard()), { watermark: given[4], resumeToken: 't4' }, 'head');
            const next = await resumeTokens.getOrCreateWatermark(shard(), 'next');
            grows([given[4] ?? '', next], 'the watermarks');
        }),
        keepingNone('of a major.minor watermark the major counts', async scene => {
            const { resumeTokens, shard } = scene;
            const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 3));
            await resumeTokens.acknowledge(shard(), `${given[2]}.01`);
            await untilGone(scene, given[1]);
            equals(
                await resumeTokens.getResumeToken(shard(), given[2] ?? ''),
                't2',
                'the token of the acknowledged one'
            );
        }),
        keepingNone('an older one, acknowledged later, brings nothing back and removes nothing', async scene => {
            const { resumeTokens, shard } = scene;
            const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 10));
            await resumeTokens.acknowledge(shard(), given[5] ?? '');
            await untilGone(scene, given[4]);
            await resumeTokens.acknowledge(shard(), given[2] ?? '');
            await resumeTokens.acknowledge(shard(), given[5] ?? '');
            for (const kept of [5, 6, 9]) {
                equals(
                    await resumeTokens.getResumeToken(shard(), given[kept] ?? ''),
                    `t${kept}`,
                    `the token of ${kept}`
                );
            }
        }),
        keepingNone('a sync counts like any other', async scene => {
            const { resumeTokens, shard } = scene;
            const before = await resumeTokens.getOrCreateWatermark(shard(), 'a');
            const sync = await resumeTokens.beginSync(shard(), 'a');
            await resumeTokens.acknowledge(shard(), sync);
            await untilGone(scene, before);
            equals(
                await resumeTokens.resume(shard(), sync),
                { kind: 'resume', resumeToken: 'a' },
                'resume from the sync'
            );
        }),
        keepingNone('what was never given is logged, and removes nothing', async ({ resumeTokens, shard, log }) => {
            const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 4));
            const last = given[3] ?? '';
            const ahead = versionToLexi(versionFromLexi(last) + 10n * 4_096n);
            for (const [n, watermark] of ['nonsense', forged(last), ahead].entries()) {
                await resumeTokens.acknowledge(shard(`${n}`), watermark);
                await resumeTokens.acknowledge(shard(), watermark);
                await log.until(`a warning about ${watermark}`, items =>
                    items.some(({ text }) => text.includes(watermark))
                );
            }
            for (const [n, watermark] of given.entries()) {
                equals(await resumeTokens.getResumeToken(shard(), watermark), `t${n}`, `the token of watermark ${n}`);
            }
        }),
        keepingFive('what was imported goes in the same way', async scene => {
            const { resumeTokens, shard } = scene;
            const at = (n: number) => versionToLexi(n);
            await resumeTokens.importWatermarks(await exportOfShard(shard(), counted(30)));
            await resumeTokens.acknowledge(shard(), at(20));
            await untilGone(scene, at(14));
            expectReset(await resumeTokens.resume(shard(), at(14)), ['pruned', 'unknown'], 'resume from 14 of 30');
            for (const kept of [15, 20, 30]) {
                const expected = { kind: 'resume', resumeToken: `t${kept}` };
                equals(await resumeTokens.resume(shard(), at(kept)), expected, `resume from ${kept} of 30`);
            }
            equals(
                await resumeTokens.getOrCreateWatermark(shard(), 't15'),
                at(15),
                'the watermark of one that is kept'
            );
        }),
        keepingFive('what was imported goes when new ones take its place', async scene => {
            const { resumeTokens, shard } = scene;
            const last = versionToLexi(30);
            await resumeTokens.importWatermarks(await exportOfShard(shard(), counted(30)));
            const own = await resumeTokens.getOrCreateWatermarks(shard(), named('own', 8));
            await resumeTokens.acknowledge(shard(), own[7] ?? '');
            await untilGone(scene, last);
            expectReset(await resumeTokens.resume(shard(), last), ['pruned', 'unknown'], 'resume from an imported one');
            const expected = { kind: 'resume', resumeToken: 'own2' };
            equals(await resumeTokens.resume(shard(), own[2]), expected, 'resume from an own one');
        }),
        byDefault('without options what was just acknowledged takes nothing away yet', async scene => {
            const { resumeTokens, shard } = scene;
            const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 20));
            await resumeTokens.acknowledge(shard(), given[19] ?? '');
            await resumeTokens.acknowledge(shard(), given[19] ?? '');
            equals(await resumeTokens.resume(shard(), given[0]), { kind: 'resume', resumeToken: 't0' }, 'resume');
        }),
        byDefault('acknowledging does not change what a token’s watermark is', async ({ resumeTokens, shard }) => {
            const tokens = named('t', 5);
            const given = await resumeTokens.getOrCreateWatermarks(shard(), tokens);
            await resumeTokens.acknowledge(shard(), given[2] ?? '');
            equals(await resumeTokens.getOrCreateWatermarks(shard(), tokens), given, 'the watermarks, asked for again');
        })
    ]
};
