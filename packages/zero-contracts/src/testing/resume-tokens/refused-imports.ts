import { WatermarkErrorCode } from '../../errors.js';
import { versionToLexi } from '../../lexi-version.js';
import type { ResumeTokenService } from '../../resume-tokens.js';
import { equals, grows, holds, rejects } from '../expect.js';
import { damages, type ExportedPair, exportOfShard, refusesLine, failingWith } from '../exports.js';
import { promise, type Promised, type Topic } from '../promise.js';
import { counted } from './import.js';

/** Sees pairs refused because of what the shard has. */
async function refusesPairs(
    resumeTokens: ResumeTokenService,
    shard: string,
    pairs: readonly ExportedPair[],
    line: number,
    what: string
): Promise<void> {
    const lines = await exportOfShard(shard, pairs);
    const call = () => resumeTokens.importWatermarks(lines);
    await refusesLine(line, call, what, WatermarkErrorCode.IMPORT_CONFLICT);
}

/** A pair among three good ones that is none. */
function isNone([what, change]: [string, object]): Promised {
    return promise(`a line is refused by its number, and nothing of its block is stored: ${what}`, async scene => {
        const { resumeTokens, shard } = scene;
        const pairs = counted(4).map((pair, n) => (n === 2 ? { ...pair, ...change } : pair));
        const lines = await exportOfShard(shard(), pairs);
        await refusesLine(4, () => resumeTokens.importWatermarks(lines), what);
        equals(await resumeTokens.head(shard()), null, 'head');
    });
}

export const refusedImports: Topic = {
    service: 'ResumeTokenService',
    name: 'imports that are refused',
    promises: [
        promise('into a shard that has given out watermarks, and these are kept', async ({ resumeTokens, shard }) => {
            const own = await resumeTokens.getOrCreateWatermark(shard(), 't2');
            await refusesPairs(resumeTokens, shard(), counted(3), 3, 'an import of the same token');
            await refusesPairs(resumeTokens, shard(), counted(1), 2, 'an import of another token');
            equals(await resumeTokens.getOrCreateWatermark(shard(), 't2'), own, 'the watermark of its token');
            const more = await resumeTokens.getOrCreateWatermark(shard(), 't3');
            grows([own, more], 'its watermarks');
        }),
        promise('with a pair that is new to a shard in use', async ({ resumeTokens, shard }) => {
            await resumeTokens.importWatermarks(await exportOfShard(shard(), counted(3)));
            const own = await resumeTokens.getOrCreateWatermark(shard(), 't4');
            await refusesPairs(resumeTokens, shard(), counted(4), 5, 'an import with one more');
            equals(await resumeTokens.getOrCreateWatermark(shard(), 't4'), own, 'the watermark of its token');
            equals(await resumeTokens.getResumeToken(shard(), '03'), 't3', 'the token of an imported one');
        }),
        promise('with another token for a watermark', async ({ resumeTokens, shard }) => {
            await resumeTokens.importWatermarks(await exportOfShard(shard(), counted(5)));
            const pairs = counted(5).map(pair => (pair.watermark === '03' ? { ...pair, token: 'another' } : pair));
            await refusesPairs(resumeTokens, shard(), pairs, 4, 'an import');
            equals(await resumeTokens.getResumeToken(shard(), '03'), 't3', 'its token');
        }),
        promise('with another watermark for a token', async ({ resumeTokens, shard }) => {
            await resumeTokens.importWatermarks(await exportOfShard(shard(), counted(5)));
            for (const watermark of ['06', '02']) {
                await refusesPairs(resumeTokens, shard(), [{ watermark, token: 't3' }], 2, `t3 as ${watermark}`);
            }
            equals(await resumeTokens.getOrCreateWatermark(shard(), 't5'), '05', 'the watermark of a token');
        }),
        promise('with a sync that leads elsewhere', async ({ resumeTokens, shard }) => {
            const syncs = counted(3).map(pair => ({ ...pair, sync: true }));
            await resumeTokens.importWatermarks(await exportOfShard(shard(), syncs));
            const other = syncs.map(pair => (pair.watermark === '02' ? { ...pair, token: 'another' } : pair));
            await refusesPairs(resumeTokens, shard(), other, 3, 'an import');
            equals(await resumeTokens.getResumeToken(shard(), '02'), 't2', 'its token');
        }),
        promise('with one that is missing among those that are there', async ({ resumeTokens, shard }) => {
            const gap = counted(5).filter(({ watermark }) => watermark !== '03');
            await resumeTokens.importWatermarks(await exportOfShard(shard(), gap));
            await refusesPairs(resumeTokens, shard(), counted(5), 4, 'an import');
            equals(await resumeTokens.getResumeToken(shard(), '03'), undefined, 'the token of the missing one');
        }),
        promise('with a watermark that is later than the clock', async ({ resumeTokens, shard }) => {
            const tomorrow = versionToLexi(BigInt(Date.now() + 86_400_000) * 1_000n * 4_096n);
            const pairs = [...counted(2), { watermark: tomorrow, token: 'tomorrow' }];
            await refusesPairs(resumeTokens, shard(), pairs, 4, 'an import');
            equals(await resumeTokens.head(shard()), null, 'head');
            const own = await resumeTokens.getOrCreateWatermark(shard(), 'new');
            holds(own < tomorrow, 'the shard goes on at the clock');
        }),
        promise('with two watermarks for a token, also far from each other', async ({ resumeTokens, shard }) => {
            const near = [...counted(3), { watermark: '04', token: 't2' }];
            const lines = await exportOfShard(shard('near'), near);
            await refusesLine(5, () => resumeTokens.importWatermarks(lines), 'an import');
            equals(await resumeTokens.head(shard('near')), null, 'head');
            const far = [...counted(1_500), { watermark: versionToLexi(1_501), token: 't2' }];
            // A line more than its number among the pairs for the first one, and one for the seal.
            await refusesPairs(resumeTokens, shard('far'), far, 1_503, 'an import');
        }),
        ...Object.entries({
            'a watermark that is none': { watermark: 'x' },
            'a watermark of another type': { watermark: 3 },
            'a watermark with a minor': { watermark: '03.01' },
            'a watermark that is not above the one before it': { watermark: '02' },
            'no token': { token: undefined },
            'an empty token': { token: '' },
            'a token with half a surrogate pair': { token: 'a\ud800' },
            'no shard': { shard: null },
            'an empty shard': { shard: '' },
            'a sync of another type': { sync: 'yes' }
        }).map(isNone),
        ...Object.entries(damages).map(([what, damage]) =>
            promise(
                `what was damaged is refused by its line, and nothing of the block is stored: ${what}`,
                async scene => {
                    const { resumeTokens, shard } = scene;
                    const { text, line } = damage(await exportOfShard(shard(), [{ watermark: '01', token: 'a' }]));
                    await refusesLine(line, () => resumeTokens.importWatermarks(text), what);
                    equals(await resumeTokens.head(shard()), null, 'head');
                    await resumeTokens.getOrCreateWatermark(shard(), 'new');
                }
            )
        ),
        promise('what the lines themselves throw comes as it is', async ({ resumeTokens }) => {
            const failure = new Error('no such file');
            const outcome = await resumeTokens.importWatermarks(failingWith(failure)).catch((error: unknown) => error);
            equals(outcome === failure, true, 'it is the same error');
            const nothing = () => resumeTokens.importWatermarks(undefined as unknown as string);
            await rejects(WatermarkErrorCode.INVALID_ARGUMENT, nothing, 'an import of nothing');
        })
    ]
};
