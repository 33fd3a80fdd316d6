import { isWatermarkError, WatermarkErrorCode } from '../../errors.js';
import type { ResumeTokenService } from '../../resume-tokens.js';
import { equals, grows, holds, matches, rejectionOf, rejects } from '../expect.js';
import { exportOfShard, linesOf } from '../exports.js';
import { given, promise, type Topic } from '../promise.js';
import type { Scene } from '../scene.js';
import { callsWithShard } from './calls.js';
import { counted } from './import.js';
import { expectReset } from './resume.js';

const COUNT = 1_500;
const withInstances = given({ needs: ['instances'] });

/** Imports a first block, and stops. */
async function interrupt(resumeTokens: ResumeTokenService, shard: string): Promise<void> {
    const text = await exportOfShard(shard, counted(COUNT));
    async function* lines() {
        yield text.slice(0, -1_000);
        throw new Error('interrupted');
    }
    const error = await rejectionOf(() => resumeTokens.importWatermarks(lines()), 'an import that is interrupted');
    equals(String(error), 'Error: interrupted', 'what it is rejected with');
}

async function refuses(resumeTokens: ResumeTokenService, shard: string): Promise<void> {
    const { acknowledge: _, abandon: __, provision: ___, ...others } = callsWithShard;
    const calls: typeof callsWithShard = {
        ...others,
        exportWatermarks: (tokens, shardId) => linesOf(tokens.exportWatermarks({ shardIds: [shardId] }))
    };
    for (const [method, call] of Object.entries(calls)) {
        const error = await rejects(WatermarkErrorCode.IMPORT_UNFINISHED, () => call(resumeTokens, shard), method);
        holds(error.message.includes(shard), `the message of ${method} names the shard: ${error.message}`);
    }
}

async function finishes({ resumeTokens, shard }: Scene): Promise<void> {
    const report = await resumeTokens.importWatermarks(await exportOfShard(shard(), counted(COUNT)));
    matches(report, { created: 500, alreadyThere: 1_000 }, 'the report of the second time');
    equals(await resumeTokens.resume(shard(), '01'), { kind: 'resume', resumeToken: 't1' }, 'resume');
    equals((await resumeTokens.head(shard()))?.resumeToken, `t${COUNT}`, 'the token of the head');
}

export const unfinishedImports: Topic = {
    service: 'ResumeTokenService',
    name: 'imports that have not ended',
    promises: [
        promise('the shard answers nothing, and goes on where it stopped when it is imported again', async scene => {
            await interrupt(scene.resumeTokens, scene.shard());
            await refuses(scene.resumeTokens, scene.shard());
            await finishes(scene);
            equals(
                await scene.resumeTokens.getOrCreateWatermark(scene.shard(), 't7'),
                '07',
                'the watermark of a token'
            );
        }),
        promise('one that was cut off has not ended', async ({ resumeTokens, shard }) => {
            const text = await exportOfShard(shard(), counted(COUNT));
            const call = () => resumeTokens.importWatermarks(text.slice(0, text.lastIndexOf('{')));
            await rejects(WatermarkErrorCode.INVALID_EXPORT, call, 'the import');
            await refuses(resumeTokens, shard());
        }),
        promise('other shards answer', async ({ resumeTokens, shard }) => {
            await interrupt(resumeTokens, shard());
            const watermark = await resumeTokens.getOrCreateWatermark(shard('other'), 'a');
            const expected = { kind: 'resume', resumeToken: 'a' };
            equals(await resumeTokens.resume(shard('other'), watermark), expected, 'resume in another shard');
        }),
        promise('abandon gives it up', async ({ resumeTokens, shard }) => {
            await interrupt(resumeTokens, shard());
            await resumeTokens.abandon(shard());
            equals(await resumeTokens.head(shard()), null, 'head');
            expectReset(await resumeTokens.resume(shard(), '01'), ['unknown', 'pruned'], 'resume');
            grows(['01', await resumeTokens.getOrCreateWatermark(shard(), 't1')], 'the watermarks');
        }),
        promise('what is imported of a shard that is abandoned meanwhile is not taken for all of it', async scene => {
            const { resumeTokens, shard } = scene;
            const text = await exportOfShard(shard(), counted(COUNT));
            async function* lines() {
                yield text.slice(0, -1_000);
                await resumeTokens.abandon(shard());
                yield text.slice(-1_000);
            }
            await rejects(WatermarkErrorCode.HISTORY_LOST, () => resumeTokens.importWatermarks(lines()), 'the import');
            await refuses(resumeTokens, shard());
            const report = await resumeTokens.importWatermarks(text).catch((error: unknown) => error);
            holds(
                isWatermarkError(report, WatermarkErrorCode.IMPORT_CONFLICT),
                `what is missing before what is there is not put behind it: ${String(report)}`
            );
            await resumeTokens.abandon(shard());
            matches(await resumeTokens.importWatermarks(text), { created: COUNT }, 'the report after abandon');
        }),
        given({ alone: true })('clear gives it up', async ({ resumeTokens, shard }) => {
            await interrupt(resumeTokens, shard());
            await resumeTokens.clear();
            equals(await resumeTokens.head(shard()), null, 'head');
        }),
        promise('acknowledging removes nothing meanwhile', async scene => {
            await interrupt(scene.resumeTokens, scene.shard());
            await scene.resumeTokens.acknowledge(scene.shard(), '0z');
            await finishes(scene);
        }),
        withInstances('other instances refuse too, and any of them can end it', async scene => {
            const { resumeTokens, shard, otherResumeTokens } = scene;
            await interrupt(resumeTokens, shard());
            const other = await otherResumeTokens();
            await refuses(other, shard());
            await other.importWatermarks(await exportOfShard(shard(), counted(COUNT)));
            for (const service of [other, resumeTokens]) {
                const expected = { kind: 'resume', resumeToken: 't1' };
                equals(await service.resume(shard(), '01'), expected, 'resume');
            }
        }),
        given({ own: {}, needs: ['durable'] })('a store that is opened again refuses too', async scene => {
            await interrupt(scene.resumeTokens, scene.shard());
            await scene.reopen();
            await refuses(scene.resumeTokens, scene.shard());
            await finishes(scene);
        }),
        withInstances('two at once store everything once', async ({ resumeTokens, shard, otherResumeTokens }) => {
            const text = await exportOfShard(shard(), counted(COUNT));
            const services = [resumeTokens, await otherResumeTokens(), resumeTokens];
            await Promise.all(services.map(service => service.importWatermarks(text)));
            const again = await linesOf(resumeTokens.exportWatermarks({ shardIds: [shard()] }));
            equals(again.join(''), text, 'what is there');
        })
    ]
};
