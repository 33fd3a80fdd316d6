import { isWatermarkError, WatermarkErrorCode } from '../../errors.js';
import { versionToLexi } from '../../lexi-version.js';
import { equals, grows, holds, rejects } from '../expect.js';
import { exportOfShard } from '../exports.js';
import { given, type Topic } from '../promise.js';

const compareResumeTokens = (a: string, b: string) => Number(a) - Number(b);
const ordered = given({ own: { compareResumeTokens }, needs: ['tokenOrder'] });
const orderedInstances = given({ own: { compareResumeTokens }, needs: ['tokenOrder', 'instances'] });

export const tokenOrder: Topic = {
    service: 'ResumeTokenService',
    name: 'compareResumeTokens',
    promises: [
        ordered('a new token that is not after the head is refused, and nothing is stored', async scene => {
            const { resumeTokens, shard } = scene;
            const given = await resumeTokens.getOrCreateWatermarks(shard(), ['1', '2', '10']);
            grows(given, 'the watermarks');
            for (const early of ['9', '0', '10.0']) {
                const call = () => resumeTokens.getOrCreateWatermark(shard(), early);
                await rejects(WatermarkErrorCode.OUT_OF_ORDER, call, `token ${early} after 10`);
            }
            equals(await resumeTokens.head(shard()), { watermark: given[2], resumeToken: '10' }, 'head');
            grows([...given, await resumeTokens.getOrCreateWatermark(shard(), '11')], 'the watermarks');
        }),
        ordered('a known token is given its watermark wherever the head is', async ({ resumeTokens, shard }) => {
            const given = await resumeTokens.getOrCreateWatermarks(shard(), ['1', '2', '10']);
            equals(await resumeTokens.getOrCreateWatermark(shard(), '2'), given[1], 'the watermark of 2');
            const all = await resumeTokens.getOrCreateWatermarks(shard(), ['1', '11', '2']);
            equals([all[0], all[2]], [given[0], given[1]], 'the watermarks of 1 and 2 beside a new one');
        }),
        ordered('the calls before the one that is refused get theirs; those after it fail', async scene => {
            const { resumeTokens, shard } = scene;
            const calls = ['1', '3', '2', '4'].map(token => resumeTokens.getOrCreateWatermark(shard(), token));
            const [first, second, third, fourth] = await Promise.allSettled(calls);
            equals([first?.status, second?.status], ['fulfilled', 'fulfilled'], 'the calls before it');
            const reason = third?.status === 'rejected' ? (third.reason as unknown) : undefined;
            holds(isWatermarkError(reason, WatermarkErrorCode.OUT_OF_ORDER), `it is out of order: ${String(reason)}`);
            equals(fourth?.status, 'rejected', 'the call after it');
            equals((await resumeTokens.head(shard()))?.resumeToken, '3', 'the token of the head');
            await resumeTokens.getOrCreateWatermark(shard(), '4');
        }),
        ordered('a sync may begin anywhere', async ({ resumeTokens, shard }) => {
            const given = await resumeTokens.getOrCreateWatermarks(shard(), ['5', '6']);
            const sync = await resumeTokens.beginSync(shard(), '5');
            grows([...given, sync], 'the watermarks');
        }),
        ordered('after abandon the order begins anew', async ({ resumeTokens, shard }) => {
            const given = await resumeTokens.getOrCreateWatermarks(shard(), ['5', '6']);
            await resumeTokens.abandon(shard());
            grows([...given, await resumeTokens.getOrCreateWatermark(shard(), '1')], 'the watermarks');
        }),
        ordered('imported tokens are before new ones', async ({ resumeTokens, shard }) => {
            const pairs = ['3', '5', '10'].map((token, n) => ({ watermark: versionToLexi(n + 1), token }));
            await resumeTokens.importWatermarks(await exportOfShard(shard(), pairs));
            for (const early of ['4', '9', '0']) {
                const call = () => resumeTokens.getOrCreateWatermark(shard(), early);
                await rejects(WatermarkErrorCode.OUT_OF_ORDER, call, `token ${early} after 10`);
            }
            equals(await resumeTokens.getOrCreateWatermark(shard(), '5'), '02', 'the watermark of a known one');
            await resumeTokens.getOrCreateWatermark(shard(), '11');
        }),
        orderedInstances(
            'whichever instance has stored the head',
            async ({ resumeTokens, shard, otherResumeTokens }) => {
                const other = await otherResumeTokens();
                await resumeTokens.getOrCreateWatermark(shard(), '10');
                const call = () => other.getOrCreateWatermark(shard(), '9');
                await rejects(WatermarkErrorCode.OUT_OF_ORDER, call, 'token 9 after 10');
            }
        ),
        orderedInstances('instances that race keep the order', async ({ resumeTokens, shard, otherResumeTokens }) => {
            await resumeTokens.provision([shard()]);
            const services = [resumeTokens, await otherResumeTokens()];
            const given = new Map<number, string>();
            await Promise.all(
                services.map(async (service, n) => {
                    for (let token = n + 1; token <= 30; token += 2) {
                        await service.getOrCreateWatermark(shard(), String(token)).then(
                            watermark => given.set(token, watermark),
                            (error: unknown) =>
                                holds(
                                    isWatermarkError(error, WatermarkErrorCode.OUT_OF_ORDER),
                                    `${String(error)} is OUT_OF_ORDER`
                                )
                        );
                    }
                })
            );
            const inTokenOrder = [...given].toSorted(([a], [b]) => a - b).map(([, watermark]) => watermark);
            grows(inTokenOrder, 'the watermarks, by token');
            holds(inTokenOrder.length >= 15, `at least one of each pair gets through: ${inTokenOrder.length} of 30`);
        })
    ]
};
