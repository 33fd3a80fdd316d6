import { WatermarkErrorCode } from '../../errors.js';
import { equals, rejects } from '../expect.js';
import { entriesIn, exportOf, linesOf } from '../exports.js';
import { given, promise, type Topic } from '../promise.js';
import { named } from './calls.js';

const withInstances = given({ needs: ['instances'] });

export const exporting: Topic = {
    service: 'ResumeTokenService',
    name: 'exportWatermarks',
    promises: [
        promise(
            'every watermark with its token, in their order, and syncs as such',
            async ({ resumeTokens, shard }) => {
                const first = await resumeTokens.beginSync(shard(), 'a');
                const [a = '', b = ''] = await resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b']);
                const again = await resumeTokens.beginSync(shard(), 'a');
                const lines = await linesOf(resumeTokens.exportWatermarks({ shardIds: [shard()] }));
                const expected = [
                    { shard: shard(), watermark: first, token: 'a', sync: true },
                    { shard: shard(), watermark: a, token: 'a' },
                    { shard: shard(), watermark: b, token: 'b' },
                    { shard: shard(), watermark: again, token: 'a', sync: true }
                ];
                equals(entriesIn(lines), expected, 'the entries');
                equals(lines.join(''), await exportOf('resume-tokens', expected), 'the lines');
            }
        ),
        promise('shards one after another, as they are named; no others', async ({ resumeTokens, shard }) => {
            for (const name of ['a', 'b', 'ü']) {
                await resumeTokens.getOrCreateWatermarks(shard(name), named(name, 3));
            }
            const shardIds = ['ü', 'a'].map(shard);
            const entries = entriesIn(await linesOf(resumeTokens.exportWatermarks({ shardIds })));
            equals(
                entries.map(({ token }) => token),
                [...named('ü', 3), ...named('a', 3)],
                'the tokens'
            );
        }),
        given({ alone: true })('all shards when none are named, those that are empty left out', async scene => {
            const { resumeTokens, shard } = scene;
            await resumeTokens.provision([shard('empty')]);
            await resumeTokens.getOrCreateWatermark(shard('a'), 't');
            await resumeTokens.getOrCreateWatermark(shard('ü ü'), 't');
            await resumeTokens.getOrCreateWatermark(shard('given up'), 't');
            await resumeTokens.abandon(shard('given up'));
            const entries = entriesIn(await linesOf(resumeTokens.exportWatermarks()));
            equals(entries.map(entry => String(entry['shard'])).toSorted(), ['a', 'ü ü'].map(shard), 'the shards');
        }),
        promise('a shard that is named and has nothing is refused', async ({ resumeTokens, shard }) => {
            await resumeTokens.provision([shard('empty')]);
            for (const name of ['empty', 'never heard of']) {
                const call = () => linesOf(resumeTokens.exportWatermarks({ shardIds: [shard(name)] }));
                await rejects(WatermarkErrorCode.INVALID_ARGUMENT, call, name);
            }
            const call = () => linesOf(resumeTokens.exportWatermarks({ shardIds: [''] }));
            await rejects(WatermarkErrorCode.INVALID_ARGUMENT, call, 'no shard id');
        }),
        promise('thousands', async ({ resumeTokens, shard }) => {
            const tokens = named('t', 2_500);
            const watermarks = await resumeTokens.getOrCreateWatermarks(shard(), tokens);
            const entries = entriesIn(await linesOf(resumeTokens.exportWatermarks({ shardIds: [shard()] })));
            equals(
                entries.map(({ watermark, token }) => [watermark, token]),
                tokens.map((token, n) => [watermarks[n], token]),
                'the pairs'
            );
        }),
        withInstances('another instance exports the same', async ({ resumeTokens, shard, otherResumeTokens }) => {
            const other = await otherResumeTokens();
            await resumeTokens.getOrCreateWatermarks(shard(), named('t', 20));
            await resumeTokens.beginSync(shard(), 't3');
            const [one, two] = await Promise.all(
                [resumeTokens, other].map(service => linesOf(service.exportWatermarks({ shardIds: [shard()] })))
            );
            equals(two, one, 'its lines');
        }),
        given({ own: {} })('of a store that is closed, it is refused', async ({ resumeTokens, shard }) => {
            await resumeTokens.getOrCreateWatermark(shard(), 'a');
            await resumeTokens.close();
            const call = () => linesOf(resumeTokens.exportWatermarks({ shardIds: [shard()] }));
            await rejects(WatermarkErrorCode.CLOSED, call, 'exportWatermarks');
        })
    ]
};
