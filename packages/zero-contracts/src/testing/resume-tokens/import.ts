import { WatermarkErrorCode } from '../../errors.js';
import { versionFromLexi, versionToLexi } from '../../lexi-version.js';
import type { ResumeTokenService } from '../../resume-tokens.js';
import { equals, grows, matches, rejects } from '../expect.js';
import { exportOf, exportOfShard, type ExportedPair, formsOf, linesOf, refusesLine } from '../exports.js';
import { given, promise, type Topic } from '../promise.js';
import { named } from './calls.js';
import { expectReset, forged } from './resume.js';

const withInstances = given({ needs: ['instances'] });
const durable = given({ own: {}, needs: ['durable'] });

/** Pairs with the small watermarks that a counter gives: `01` for `t1`, and so on. */
export function counted(count: number, prefix = 't'): ExportedPair[] {
    return Array.from({ length: count }, (_, n) => ({ watermark: versionToLexi(n + 1), token: `${prefix}${n + 1}` }));
}

/** Pairs with watermarks as this library makes them, of yesterday. */
function ofYesterday(tokens: readonly string[]): ExportedPair[] {
    const begin = BigInt(Date.now() - 86_400_000) * 1_000n;
    return tokens.map((token, n) => ({ watermark: versionToLexi((begin + BigInt(n)) * 4_096n + 7n), token }));
}

async function leadsBack(resumeTokens: ResumeTokenService, shard: string, pairs: readonly ExportedPair[]) {
    for (const { watermark, token } of pairs) {
        equals(await resumeTokens.getResumeToken(shard, watermark), token, `the token of ${watermark}`);
        const expected = { kind: 'resume', resumeToken: token };
        equals(await resumeTokens.resume(shard, watermark), expected, `resume from ${watermark}`);
    }
}

export const importing: Topic = {
    service: 'ResumeTokenService',
    name: 'importWatermarks',
    promises: [
        ...Object.entries({ 'of a counter': counted(12), 'of another store': ofYesterday(named('t', 12)) }).flatMap(
            ([kind, pairs]) => [
                promise(`imported watermarks lead back to their tokens: ${kind}`, async ({ resumeTokens, shard }) => {
                    const report = await resumeTokens.importWatermarks(await exportOfShard(shard(), pairs));
                    equals(report, { shardIds: [shard()], created: 12, alreadyThere: 0 }, 'the report');
                    await leadsBack(resumeTokens, shard(), pairs);
                    const of = `${pairs[3]?.watermark}.01`;
                    equals(await resumeTokens.getResumeToken(shard(), of), pairs[3]?.token, `the token of ${of}`);
                }),
                promise(`imported tokens keep their watermarks: ${kind}`, async ({ resumeTokens, shard }) => {
                    await resumeTokens.importWatermarks(await exportOfShard(shard(), pairs));
                    const [first, last] = [pairs[0], pairs[11]];
                    const one = await resumeTokens.getOrCreateWatermark(shard(), first?.token ?? '');
                    equals(one, first?.watermark, 'the watermark of the first');
                    const tokens = ['new', ...pairs.map(({ token }) => token), 'newer'];
                    const all = await resumeTokens.getOrCreateWatermarks(shard(), tokens);
                    equals(
                        all.slice(1, -1),
                        pairs.map(({ watermark }) => watermark),
                        'the watermarks of all'
                    );
                    grows([last?.watermark ?? '', all[0] ?? '', all.at(-1) ?? ''], 'the last and the new ones');
                }),
                promise(`new watermarks are above all imported ones: ${kind}`, async ({ resumeTokens, shard }) => {
                    await resumeTokens.importWatermarks(await exportOfShard(shard(), pairs));
                    const sync = await resumeTokens.beginSync(shard(), pairs[0]?.token ?? '');
                    const fresh = await resumeTokens.getOrCreateWatermark(shard(), 'new');
                    grows([...pairs.map(({ watermark }) => watermark), sync, fresh], 'the watermarks');
                    await leadsBack(resumeTokens, shard(), [
                        ...pairs.slice(0, 2),
                        { watermark: sync, token: pairs[0]?.token ?? '' },
                        { watermark: fresh, token: 'new' }
                    ]);
                })
            ]
        ),
        promise('what was exported is imported elsewhere as it is, and exported as it was', async scene => {
            const { resumeTokens, shard } = scene;
            await resumeTokens.beginSync(shard(), 'a');
            await resumeTokens.getOrCreateWatermarks(shard(), ['a', ...named('t', 50)]);
            const lines = (await linesOf(resumeTokens.exportWatermarks({ shardIds: [shard()] }))).join('');
            await resumeTokens.abandon(shard());
            matches(await resumeTokens.importWatermarks(lines), { created: 52 }, 'the report');
            const again = await linesOf(resumeTokens.exportWatermarks({ shardIds: [shard()] }));
            equals(again.join(''), lines, 'its export');
        }),
        promise('a sync leads back to its token, and is not the token’s watermark', async ({ resumeTokens, shard }) => {
            const pairs = [
                { watermark: '01', token: 'a', sync: true },
                { watermark: '02', token: 'a' },
                { watermark: '03', token: 'a', sync: true },
                { watermark: '04', token: 'b', sync: true }
            ];
            await resumeTokens.importWatermarks(await exportOfShard(shard(), pairs));
            await leadsBack(resumeTokens, shard(), pairs);
            equals(await resumeTokens.head(shard()), { watermark: '04', resumeToken: 'b' }, 'head');
            equals(await resumeTokens.getOrCreateWatermark(shard(), 'a'), '02', 'the watermark of its token');
            const fresh = await resumeTokens.getOrCreateWatermark(shard(), 'b');
            grows(['04', fresh], 'the watermark of a token that has only a sync');
        }),
        promise('the newest imported one is the head, until there are others', async ({ resumeTokens, shard }) => {
            await resumeTokens.importWatermarks(await exportOfShard(shard(), counted(40)));
            equals(await resumeTokens.head(shard()), { watermark: '114', resumeToken: 't40' }, 'head');
            const fresh = await resumeTokens.getOrCreateWatermark(shard(), 'new');
            equals(await resumeTokens.head(shard()), { watermark: fresh, resumeToken: 'new' }, 'head after a new one');
        }),
        promise('what was not imported is unknown, and asking changes nothing', async ({ resumeTokens, shard }) => {
            const pairs = ofYesterday(named('t', 5));
            await resumeTokens.importWatermarks(await exportOfShard(shard(), pairs));
            const last = pairs[4]?.watermark ?? '';
            const strange = ['00', '06', forged(last), versionToLexi(versionFromLexi(last) + 4_096n)];
            for (const watermark of strange) {
                equals(await resumeTokens.getResumeToken(shard(), watermark), undefined, `the token of ${watermark}`);
                expectReset(await resumeTokens.resume(shard(), watermark), ['unknown', 'pruned'], `resume`);
            }
            await leadsBack(resumeTokens, shard(), pairs);
        }),
        promise('thousands, over several blocks', async ({ resumeTokens, shard }) => {
            const pairs = counted(2_345);
            await resumeTokens.importWatermarks(await exportOfShard(shard(), pairs));
            await leadsBack(
                resumeTokens,
                shard(),
                pairs.filter((_, n) => n % 300 === 0 || n === 2_344)
            );
            const tokens = pairs.map(({ token }) => token);
            equals(
                await resumeTokens.getOrCreateWatermarks(shard(), tokens),
                pairs.map(({ watermark }) => watermark),
                'the watermarks'
            );
        }),
        promise('any text is a token and a shard, also in an import', async ({ resumeTokens, shard }) => {
            const texts = ['lsn', '01', ' ', 'a b', '01 a', '{"_data":"82"}', '\0', '😀ü', 'sync.x', 'x'.repeat(5_000)];
            const pairs = texts.map((token, n) => ({ watermark: versionToLexi(n + 1), token }));
            const entries = ['ü ü', 'a/b', 'a_b', 'A'].flatMap(name =>
                pairs.map(pair => ({ shard: shard(name), ...pair }))
            );
            const report = await resumeTokens.importWatermarks(await exportOf('resume-tokens', entries));
            matches(report, { created: 4 * texts.length }, 'the report');
            equals(report.shardIds, ['ü ü', 'a/b', 'a_b', 'A'].map(shard), 'the shards');
            await leadsBack(resumeTokens, shard('a/b'), pairs);
            const again = await resumeTokens.getOrCreateWatermarks(shard('A'), texts);
            equals(
                again,
                pairs.map(({ watermark }) => watermark),
                'the watermarks'
            );
        }),
        promise('it does not matter in which pieces an import comes', async ({ resumeTokens, shard }) => {
            for (const [form, lines] of Object.entries(formsOf(await exportOfShard(shard(), counted(3, 'ü→'))))) {
                await resumeTokens.importWatermarks(lines());
                equals(await resumeTokens.getResumeToken(shard(), '03'), 'ü→3', `the token, from ${form}`);
                await resumeTokens.abandon(shard());
            }
        }),
        promise('run again it changes nothing, before the shard is used and after', async scene => {
            const { resumeTokens, shard } = scene;
            const lines = await exportOfShard(shard(), [...counted(30), { watermark: '110', token: 't2', sync: true }]);
            await resumeTokens.importWatermarks(lines);
            matches(await resumeTokens.importWatermarks(lines), { created: 0, alreadyThere: 31 }, 'the second report');
            const fresh = await resumeTokens.getOrCreateWatermark(shard(), 'new');
            matches(await resumeTokens.importWatermarks(lines), { created: 0, alreadyThere: 31 }, 'the third report');
            equals(await resumeTokens.head(shard()), { watermark: fresh, resumeToken: 'new' }, 'head');
        }),
        promise('what was added since, as after a rehearsal, is taken in', async ({ resumeTokens, shard }) => {
            await resumeTokens.importWatermarks(await exportOfShard(shard(), counted(20)));
            // What the source has let go of by then may be missing.
            const later = await exportOfShard(shard(), counted(50).slice(10));
            matches(await resumeTokens.importWatermarks(later), { created: 30, alreadyThere: 10 }, 'the report');
            await leadsBack(resumeTokens, shard(), [counted(1), counted(50).slice(-1)].flat());
        }),
        promise('after abandon nothing of it is left, and it can be imported again', async scene => {
            const { resumeTokens, shard } = scene;
            const lines = await exportOfShard(shard(), counted(5));
            for (let round = 0; round < 2; round += 1) {
                await resumeTokens.importWatermarks(lines);
                equals(await resumeTokens.getOrCreateWatermark(shard(), 't3'), '03', 'the watermark of a token');
                await resumeTokens.abandon(shard());
                equals(await resumeTokens.head(shard()), null, 'head');
                expectReset(await resumeTokens.resume(shard(), '03'), ['unknown', 'pruned'], 'resume');
                grows(['05', await resumeTokens.getOrCreateWatermark(shard(), 't3')], 'the watermarks');
                await resumeTokens.abandon(shard());
            }
        }),
        withInstances('every other instance knows it', async ({ resumeTokens, shard, otherResumeTokens }) => {
            const other = await otherResumeTokens();
            await other.provision([shard()]);
            await resumeTokens.importWatermarks(await exportOfShard(shard(), counted(5)));
            await leadsBack(other, shard(), counted(5));
            equals(await other.getOrCreateWatermark(shard(), 't3'), '03', 'the watermark of a token');
            const fresh = await other.getOrCreateWatermark(shard(), 'new');
            equals(await resumeTokens.getOrCreateWatermark(shard(), 'new'), fresh, 'the watermark of a new one');
        }),
        durable('it is there when the store is opened again', async scene => {
            const { shard, reopen } = scene;
            await scene.resumeTokens.importWatermarks(await exportOfShard(shard(), counted(5)));
            await reopen();
            await leadsBack(scene.resumeTokens, shard(), counted(5));
            equals(await scene.resumeTokens.getOrCreateWatermark(shard(), 't5'), '05', 'the watermark of a token');
        }),
        given({ own: {}, alone: true, needs: ['wipe', 'durable'] })(
            'what was wiped with the store is a reset',
            async scene => {
                const { shard, reopenAfter, capabilities } = scene;
                await scene.resumeTokens.importWatermarks(await exportOfShard(shard(), ofYesterday(named('t', 3))));
                await reopenAfter(async space => capabilities.wipe?.(space));
                for (const { watermark } of ofYesterday(named('t', 3))) {
                    expectReset(await scene.resumeTokens.resume(shard(), watermark), ['pruned', 'unknown'], 'resume');
                }
            }
        ),
        given({ needs: ['tokenLimit'] })('a token that is too large is refused with its line', async scene => {
            const { resumeTokens, shard, capabilities } = scene;
            const large = { watermark: '03', token: 'x'.repeat(capabilities.tokenLimit ?? 0) };
            const lines = await exportOfShard(shard(), [...counted(2), large]);
            const call = () => resumeTokens.importWatermarks(lines);
            await refusesLine(4, call, 'the import', WatermarkErrorCode.VALUE_TOO_LARGE);
        }),
        given({ own: {} })('of a store that is closed, it is refused', async ({ resumeTokens, shard }) => {
            const lines = await exportOfShard(shard(), counted(3));
            await resumeTokens.close();
            await rejects(WatermarkErrorCode.CLOSED, () => resumeTokens.importWatermarks(lines), 'importWatermarks');
        })
    ]
};
