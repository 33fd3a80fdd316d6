import { isWatermarkError, WatermarkErrorCode } from '../../errors.js';
import { equals, grows, holds, present } from '../expect.js';
import { given, type Topic } from '../promise.js';
import type { Scene } from '../scene.js';
import { named } from './calls.js';
import { expectReset } from './resume.js';

const wiped = given({ own: {}, alone: true, needs: ['wipe'] });
const restored = given({ own: {}, alone: true, needs: ['backup'] });
const underInstances = given({ own: {}, alone: true, needs: ['backup', 'backupWhileOpen'] });

/** Has the shard give watermarks, the last five of which are then lost: an old backup takes the place of the space. */
async function loseTail(scene: Scene): Promise<{ readonly kept: readonly string[]; readonly lost: readonly string[] }> {
    const { shard, capabilities, reopenAfter } = scene;
    const kept = await scene.resumeTokens.getOrCreateWatermarks(shard(), named('kept', 5));
    const restore = await reopenAfter(present(capabilities.backup, 'backup'));
    const lost = await scene.resumeTokens.getOrCreateWatermarks(shard(), named('lost', 5));
    await reopenAfter(restore);
    return { kept, lost };
}

export const lostHistory: Topic = {
    service: 'ResumeTokenService',
    name: 'lost history',
    promises: [
        wiped('what was removed behind its back resumes with a reset, and is never given again', async scene => {
            const { shard, capabilities, reopenAfter } = scene;
            const all: string[] = [];
            for (let generation = 0; generation < 3; generation += 1) {
                const tokens = scene.resumeTokens;
                for (const old of all) {
                    expectReset(
                        await tokens.resume(shard(), old),
                        ['pruned', 'ahead-of-head'],
                        'resume from an old one'
                    );
                }
                all.push(await tokens.beginSync(shard(), 'a'));
                all.push(...(await tokens.getOrCreateWatermarks(shard(), named('t', 10))));
                grows(all, 'the watermarks of all generations');
                await reopenAfter(present(capabilities.wipe, 'wipe'));
            }
        }),
        restored('what an old backup lacks is ahead of the head: a reset, said once', async scene => {
            const { kept, lost } = await loseTail(scene);
            const { resumeTokens, shard } = scene;
            const last = { watermark: kept[4], resumeToken: 'kept4' };
            equals(await resumeTokens.head(shard()), last, 'head after the backup was put in place');
            expectReset(await resumeTokens.resume(shard(), lost[4]), ['ahead-of-head'], 'resume from what was lost');
            expectReset(await resumeTokens.resume(shard(), lost[4]), ['pruned'], 'resume, asked again');
        }),
        restored('after that no number is given again, and every old one asks for a reset', async scene => {
            const { kept, lost } = await loseTail(scene);
            const { resumeTokens, shard } = scene;
            expectReset(await resumeTokens.resume(shard(), lost[4]), ['ahead-of-head'], 'resume from what was lost');
            const sync = await resumeTokens.beginSync(shard(), 'again');
            const after = await resumeTokens.getOrCreateWatermarks(shard(), ['lost0', 'kept0']);
            grows([...kept, ...lost, sync, ...after], 'the watermarks');
            for (const old of [...kept, ...lost]) {
                expectReset(await resumeTokens.resume(shard(), old), ['pruned'], 'resume from an old one');
            }
            const point = await resumeTokens.resume(shard(), sync);
            equals(point, { kind: 'resume', resumeToken: 'again' }, 'resume from the sync');
        }),
        restored('what the old backup has still resumes', async scene => {
            const { kept } = await loseTail(scene);
            for (const [n, watermark] of kept.entries()) {
                const point = await scene.resumeTokens.resume(scene.shard(), watermark);
                equals(point, { kind: 'resume', resumeToken: `kept${n}` }, `resume from watermark ${n}`);
            }
        }),
        restored('a number that was given again for another token is recognised', async scene => {
            const { lost } = await loseTail(scene);
            const { resumeTokens, shard } = scene;
            // Nobody has asked for what was lost, so nobody knows, and the numbers are given anew.
            await resumeTokens.getOrCreateWatermarks(shard(), named('new', 8));
            for (const watermark of lost) {
                const token = await resumeTokens.getResumeToken(shard(), watermark);
                equals(token, undefined, 'the token of a watermark that was lost');
                const point = await resumeTokens.resume(shard(), watermark);
                equals(point.kind, 'reset-required', 'what resume says');
            }
        }),
        underInstances('an instance that loses history while it runs gives no number again', async scene => {
            const { resumeTokens, shard, space, capabilities } = scene;
            const before = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 3));
            const restore = await present(capabilities.backup, 'backup')(space);
            const lost = await resumeTokens.getOrCreateWatermarks(shard(), named('lost', 5));
            await restore();
            const ask = () => resumeTokens.getOrCreateWatermark(shard(), 'new');
            const outcome = await ask().catch((error: unknown) => error);
            if (typeof outcome !== 'string') {
                holds(
                    isWatermarkError(outcome, WatermarkErrorCode.HISTORY_LOST),
                    `it says HISTORY_LOST: ${String(outcome)}`
                );
            }
            const after = typeof outcome === 'string' ? outcome : await ask();
            grows([...before, ...lost, after], 'the watermarks');
            expectReset(
                await resumeTokens.resume(shard(), lost[4]),
                ['pruned', 'unknown'],
                'resume from what was lost'
            );
        })
    ]
};
