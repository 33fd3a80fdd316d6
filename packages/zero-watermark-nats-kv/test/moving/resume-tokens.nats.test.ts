import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type ResumeTokenService, versionFromLexi, versionToLexi, WatermarkErrorCode } from '../../src/store.js';
import {
    type Backend,
    backends,
    eventually,
    openOn,
    recordLog,
    rejectionOf,
    uniqueBucket
} from '../support/backends.js';
import { exportOf, importInProcess, linesOf, named, temporaryFile } from '../support/importing.js';

/** Pairs with the small watermarks that a counter gives. */
const counted = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
        shard: 's',
        watermark: versionToLexi(index + 1),
        token: `old-${index + 1}`
    }));

async function expectResumes(service: ResumeTokenService, pairs: Iterable<readonly [string, string]>) {
    for (const [watermark, resumeToken] of pairs) {
        expect(await service.resume('s', watermark)).toEqual({ kind: 'resume', resumeToken });
        expect(await service.getResumeToken('s', watermark)).toBe(resumeToken);
    }
}

describe.each(backends)('moving resume tokens on $name', ({ start }) => {
    let backend: Backend;
    let nc: NatsConnection;

    beforeAll(async () => {
        backend = await start();
        nc = await connect({ servers: [...backend.urls] });
    });
    afterAll(async () => {
        await nc.close();
        await backend[Symbol.asyncDispose]();
    });

    async function messagesOf(bucket: string): Promise<number> {
        const jsm = await jetstreamManager(nc, { timeout: 10_000 });
        return (await jsm.streams.info(`KV_${bucket}-tokens-s`)).state.messages;
    }

    test('every watermark resumes where it did, every token keeps its own, and new ones are above', async () => {
        await using source = await openOn(backend);
        await using target = await openOn(backend);
        const { resumeTokens: from } = source;
        const { resumeTokens: to } = target;
        await to.provision(['s']);
        const sync = await from.beginSync('s', 'tök en 0');
        const tokens = ['tök en 0', ...named('t', 600), '{"_data":"82 6"}', ' ', '01', 'lsn'];
        const watermarks = await from.getOrCreateWatermarks('s', tokens);
        const again = await from.beginSync('s', 't7');

        const report = await to.importWatermarks(from.exportWatermarks());
        expect(report).toEqual({ shardIds: ['s'], created: tokens.length + 2, alreadyThere: 0 });
        await expectResumes(to, [
            [sync, 'tök en 0'],
            [again, 't7'],
            ...tokens.map((token, index) => [watermarks[index] ?? '', token] as const).filter((_, n) => n % 20 < 2)
        ]);
        expect(await to.head('s')).toEqual({ watermark: again, resumeToken: 't7' });
        expect(await to.getOrCreateWatermarks('s', tokens)).toEqual(watermarks);
        const fresh = await to.getOrCreateWatermark('s', 'new');
        const freshSync = await to.beginSync('s', 't7');
        expect(again < fresh && fresh < freshSync).toBe(true);
        expect(await to.getOrCreateWatermark('s', 't7')).toBe(watermarks[8]);
        await expectResumes(to, [
            [fresh, 'new'],
            [freshSync, 't7'],
            [again, 't7']
        ]);
    });

    test('and on to a third store, with what the second one gave itself', async () => {
        await using first = await openOn(backend);
        await using second = await openOn(backend);
        await using third = await openOn(backend);
        const old = await first.resumeTokens.getOrCreateWatermarks('s', named('a', 300));
        await second.resumeTokens.importWatermarks(first.resumeTokens.exportWatermarks());
        const own = await second.resumeTokens.getOrCreateWatermarks('s', named('b', 300));
        const lines = await linesOf(second.resumeTokens.exportWatermarks({ shardIds: ['s'] }));
        expect(await third.resumeTokens.importWatermarks(lines)).toMatchObject({ created: 600 });
        expect(await third.resumeTokens.getOrCreateWatermarks('s', [...named('a', 300), ...named('b', 300)])).toEqual([
            ...old,
            ...own
        ]);
        const [header, ...others] = await linesOf(third.resumeTokens.exportWatermarks());
        expect([header, ...others]).toEqual(lines);
    });

    test('small watermarks, as a counter gives them', async () => {
        await using store = await openOn(backend);
        const { resumeTokens } = store;
        await resumeTokens.importWatermarks(await exportOf(counted(1_100)));
        await expectResumes(resumeTokens, [
            ['01', 'old-1'],
            ['0z', 'old-35'],
            ['110', 'old-36'],
            [versionToLexi(1_100), 'old-1100']
        ]);
        expect(await resumeTokens.getOrCreateWatermarks('s', ['old-7', 'old-1100', 'old-1'])).toEqual([
            '07',
            versionToLexi(1_100),
            '01'
        ]);
        expect(await resumeTokens.getResumeToken('s', '07.03')).toBe('old-7');
        expect(await resumeTokens.getResumeToken('s', versionToLexi(1_101))).toBeUndefined();
        expect(await resumeTokens.getResumeToken('s', '00')).toBeUndefined();
        for (const unknown of ['00', versionToLexi(1_101), versionToLexi(4_096n * 5n)]) {
            expect(await resumeTokens.resume('s', unknown)).toMatchObject({ kind: 'reset-required' });
        }
        expect((await resumeTokens.getOrCreateWatermark('s', 'new')) > versionToLexi(1_100)).toBe(true);
    });

    test('several shards at once; those that are named', async () => {
        await using source = await openOn(backend);
        await using target = await openOn(backend);
        const shards = ['a', 'b/c', 'ü ü', 'empty'];
        await source.resumeTokens.provision(['empty']);
        for (const shard of shards.slice(0, 3)) {
            await source.resumeTokens.getOrCreateWatermarks(shard, named(`${shard}-`, 40));
        }
        const report = await target.resumeTokens.importWatermarks(source.resumeTokens.exportWatermarks());
        expect([...report.shardIds].sort()).toEqual(['a', 'b/c', 'ü ü']);
        for (const shard of shards) {
            expect(await target.resumeTokens.head(shard)).toEqual(await source.resumeTokens.head(shard));
        }
        const some = await linesOf(source.resumeTokens.exportWatermarks({ shardIds: ['a'] }));
        expect(some.filter(line => line.includes('"shard"'))).toHaveLength(40);
        const nothing = linesOf(source.resumeTokens.exportWatermarks({ shardIds: ['empty'] }));
        expect(await rejectionOf(nothing)).toMatchObject({ code: WatermarkErrorCode.INVALID_ARGUMENT });
    });

    describe('run again', () => {
        test('it changes nothing, before the shard is used and after', async () => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket });
            const lines = await exportOf(counted(300));
            await store.resumeTokens.importWatermarks(lines);
            expect(await store.resumeTokens.importWatermarks(lines)).toMatchObject({ created: 0, alreadyThere: 300 });
            const fresh = await store.resumeTokens.getOrCreateWatermark('s', 'new');
            expect(await store.resumeTokens.importWatermarks(lines)).toMatchObject({ created: 0, alreadyThere: 300 });
            expect(await store.resumeTokens.head('s')).toEqual({ watermark: fresh, resumeToken: 'new' });
            expect(await messagesOf(bucket)).toBe(302);
        });

        test('with more at its end, as after a rehearsal, it takes the rest', async () => {
            await using store = await openOn(backend);
            await store.resumeTokens.importWatermarks(await exportOf(counted(200)));
            const report = await store.resumeTokens.importWatermarks(await exportOf(counted(500)));
            expect(report).toMatchObject({ created: 300, alreadyThere: 200 });
            await expectResumes(store.resumeTokens, [
                ['01', 'old-1'],
                [versionToLexi(500), 'old-500']
            ]);
            // What the source has let go of by then may be missing.
            const later = await exportOf(counted(600).slice(100));
            expect(await store.resumeTokens.importWatermarks(later)).toMatchObject({ created: 100, alreadyThere: 400 });
        });
    });

    describe('what the shard has is kept, and what contradicts it is refused with its line', () => {
        const refused = async (service: ResumeTokenService, lines: string, line: number, message: RegExp) => {
            const error = await rejectionOf(service.importWatermarks(lines));
            expect(error).toMatchObject({ name: 'ImportError', code: WatermarkErrorCode.IMPORT_CONFLICT, line });
            expect(error.message).toMatch(message);
            expect(error.message).not.toContain('old-');
        };

        test('a shard with watermarks of its own', async () => {
            await using store = await openOn(backend);
            const { resumeTokens } = store;
            const own = await resumeTokens.getOrCreateWatermark('s', 'own');
            await refused(resumeTokens, await exportOf(counted(3)), 2, /given out watermarks of its own.*abandon/);
            await expectResumes(resumeTokens, [[own, 'own']]);
            await resumeTokens.abandon('s');
            await resumeTokens.importWatermarks(await exportOf(counted(3)));
            await expectResumes(resumeTokens, [['03', 'old-3']]);
            const more = await exportOf(counted(4));
            const next = await resumeTokens.getOrCreateWatermark('s', 'own');
            await refused(resumeTokens, more, 5, /given out watermarks of its own/);
            await expectResumes(resumeTokens, [
                ['03', 'old-3'],
                [next, 'own']
            ]);
        });

        test('another token for a watermark, another watermark for a token, and one in between', async () => {
            await using store = await openOn(backend);
            const { resumeTokens } = store;
            const pairs = counted(9).filter((_, index) => index !== 4);
            await resumeTokens.importWatermarks(await exportOf(pairs));
            const changed = (at: number, change: object) =>
                exportOf(pairs.map((p, n) => (n === at ? { ...p, ...change } : p)));
            await refused(
                resumeTokens,
                await changed(2, { token: 'other' }),
                4,
                /does not have 03, but has later ones/
            );
            const third = [{ shard: 's', watermark: '03', token: 'old-7' }];
            await refused(resumeTokens, await exportOf(third), 2, /has the watermark 07, not 03/);
            await refused(
                resumeTokens,
                await exportOf(counted(9)),
                6,
                /does not have 05, but has later ones, up to 09/
            );
        });

        test('a token with two watermarks in one import', async () => {
            await using store = await openOn(backend);
            const { resumeTokens } = store;
            const twice = [...counted(3), { shard: 's', watermark: '04', token: 'old-2' }];
            const inOneBlock = await rejectionOf(resumeTokens.importWatermarks(await exportOf(twice)));
            expect(inOneBlock).toMatchObject({ code: WatermarkErrorCode.INVALID_EXPORT, line: 5 });
            expect(inOneBlock.message).toMatch(/has the watermark 02 in a line before it/);
            expect(await resumeTokens.head('s')).toBeNull();

            const apart = [...counted(1_500), { shard: 's', watermark: versionToLexi(1_501), token: 'old-2' }];
            await refused(resumeTokens, await exportOf(apart), 1_503, /has the watermark 02, not 215p/);
            expect(await rejectionOf(resumeTokens.head('s'))).toMatchObject({
                code: WatermarkErrorCode.IMPORT_UNFINISHED
            });
        });

        test('a watermark beyond the clock', async () => {
            await using store = await openOn(backend);
            const { resumeTokens } = store;
            const soon = versionToLexi(BigInt(Date.now() + 3_600_000) * 1_000n * 4_096n);
            const pairs = [...counted(2), { shard: 's', watermark: soon, token: 'from tomorrow' }];
            await refused(resumeTokens, await exportOf(pairs), 4, /later than the clock/);
            // Nothing was begun: the shard is as usable as before.
            expect(await resumeTokens.head('s')).toBeNull();
            await resumeTokens.getOrCreateWatermark('s', 'new');
        });

        test('a token that is too large', async () => {
            await using store = await openOn(backend);
            const pairs = [...counted(2), { shard: 's', watermark: '03', token: 'x'.repeat(2_000_000) }];
            const error = await rejectionOf(store.resumeTokens.importWatermarks(await exportOf(pairs)));
            expect(error).toMatchObject({ code: WatermarkErrorCode.VALUE_TOO_LARGE, line: 4 });
            expect(error.message).toMatch(/2000003 bytes/);
        });
    });

    describe('an import that has not ended', () => {
        test('keeps the shard from answering, until it has; abandon gives it up', async () => {
            const bucket = uniqueBucket();
            await using before = await openOn(backend, { bucket });
            await before.resumeTokens.provision(['s']);
            await using importer = await openOn(backend, { bucket });
            const lines = await exportOf(counted(300));
            const cutOff = lines.slice(0, -100);
            const { resumeTokens } = importer;
            expect(await rejectionOf(resumeTokens.importWatermarks(cutOff))).toMatchObject({
                code: WatermarkErrorCode.INVALID_EXPORT
            });
            expect(await resumeTokens.head('s')).toBeNull();

            async function* interrupted() {
                yield await exportOf(counted(2_500)).then(text => text.slice(0, -1_000));
                throw new Error('interrupted');
            }
            expect((await rejectionOf(resumeTokens.importWatermarks(interrupted()))).message).toBe('interrupted');
            await using after = await openOn(backend, { bucket });
            for (const { resumeTokens: service } of [importer, after]) {
                for (const call of [
                    () => service.getOrCreateWatermark('s', 'new'),
                    () => service.getOrCreateWatermarks('s', ['old-1']),
                    () => service.beginSync('s', 'new'),
                    () => service.getResumeToken('s', '01'),
                    () => service.resume('s', '01'),
                    () => service.head('s'),
                    () => linesOf(service.exportWatermarks({ shardIds: ['s'] }))
                ]) {
                    const error = await rejectionOf(call());
                    expect(error).toMatchObject({ code: WatermarkErrorCode.IMPORT_UNFINISHED });
                    expect(error.message).toMatch(/Run the import again.*abandon/);
                }
            }
            // An instance that was there before learns of it at the latest when zero-cache connects.
            expect(await rejectionOf(before.resumeTokens.resume('s', '01'))).toMatchObject({
                code: WatermarkErrorCode.IMPORT_UNFINISHED
            });

            const report = await after.resumeTokens.importWatermarks(await exportOf(counted(2_500)));
            expect(report).toMatchObject({ created: 500, alreadyThere: 2_000 });
            for (const { resumeTokens: service } of [before, importer, after]) {
                await expectResumes(service, [['01', 'old-1']]);
                expect(await service.getOrCreateWatermark('s', 'old-2500')).toBe(versionToLexi(2_500));
            }
        });

        test('is given up by abandon', async () => {
            await using store = await openOn(backend);
            const { resumeTokens } = store;
            async function* interrupted() {
                yield await exportOf(counted(2_500)).then(text => text.slice(0, -1_000));
                throw new Error('interrupted');
            }
            await rejectionOf(resumeTokens.importWatermarks(interrupted()));
            await resumeTokens.abandon('s');
            expect(await resumeTokens.resume('s', '01')).toMatchObject({ kind: 'reset-required' });
            const fresh = await resumeTokens.getOrCreateWatermark('s', 'old-1');
            expect(versionFromLexi(fresh)).toBeGreaterThan(4_096n);
        });

        test('fails when the shard is used meanwhile, and nothing that was given out is lost', async () => {
            const bucket = uniqueBucket();
            await using user = await openOn(backend, { bucket });
            await user.resumeTokens.provision(['s']);
            await using importer = await openOn(backend, { bucket });
            let given = '';
            async function* lines() {
                const text = await exportOf(counted(2_500));
                yield text.slice(0, -1_000);
                given = await user.resumeTokens.getOrCreateWatermark('s', 'old-2400');
                yield text.slice(-1_000);
            }
            expect(await rejectionOf(importer.resumeTokens.importWatermarks(lines()))).toMatchObject({
                code: WatermarkErrorCode.IMPORT_CONFLICT
            });
            expect(await user.resumeTokens.getResumeToken('s', given)).toBe('old-2400');
            await importer.resumeTokens.abandon('s');
            await importer.resumeTokens.importWatermarks(await exportOf(counted(2_500)));
            expect(await user.resumeTokens.resume('s', given)).toMatchObject({ reason: 'pruned' });
            await expectResumes(user.resumeTokens, [['01', 'old-1']]);
        });
    });

    test('imported watermarks die out like others: by acknowledge, and when own ones take their place', async () => {
        const log = recordLog();
        await using store = await openOn(backend, { retainMs: 0, retainTokens: 10, logger: log });
        const { resumeTokens } = store;
        await resumeTokens.importWatermarks(await exportOf(counted(100)));
        const gone = (watermark: string) =>
            eventually(`${watermark} is gone`, () => {
                void resumeTokens.getResumeToken('s', watermark).then(token => (last = token));
                return last === undefined;
            });
        let last: string | undefined = '';
        await resumeTokens.acknowledge('s', versionToLexi(50));
        await gone(versionToLexi(39));
        await expectResumes(resumeTokens, [
            [versionToLexi(40), 'old-40'],
            [versionToLexi(50), 'old-50'],
            [versionToLexi(100), 'old-100']
        ]);
        expect(await resumeTokens.resume('s', '01')).toMatchObject({ kind: 'reset-required' });
        expect(await resumeTokens.getOrCreateWatermark('s', 'old-100')).toBe(versionToLexi(100));

        const own = await resumeTokens.getOrCreateWatermarks('s', named('own', 12));
        await resumeTokens.acknowledge('s', own.at(-1) ?? '');
        last = '';
        await gone(versionToLexi(100));
        await expectResumes(resumeTokens, [[own.at(-1) ?? '', 'own11']]);
        expect(await resumeTokens.resume('s', versionToLexi(100))).toMatchObject({ kind: 'reset-required' });
        expect(log.warnings).toEqual([]);
    });

    test('the guard of the order sees imported tokens', async () => {
        const compareResumeTokens = (a: string, b: string) => Number(a.split('-')[1]) - Number(b.split('-')[1]);
        await using store = await openOn(backend, { compareResumeTokens });
        const { resumeTokens } = store;
        await resumeTokens.importWatermarks(await exportOf(counted(20).filter((_, index) => index !== 9)));
        expect(await rejectionOf(resumeTokens.getOrCreateWatermark('s', 'old-10'))).toMatchObject({
            code: WatermarkErrorCode.OUT_OF_ORDER
        });
        expect(await resumeTokens.getOrCreateWatermark('s', 'old-11')).toBe('0b');
        await resumeTokens.getOrCreateWatermark('s', 'old-21');
    });

    test('processes that are killed with -9 in the middle, then three at once', async () => {
        const { urls: servers, replicas } = backend;
        const pairs = counted(5_000);
        await using file = await temporaryFile(await exportOf(pairs));
        const bucket = uniqueBucket();
        const order = { options: { servers, bucket, replicas }, service: 'resumeTokens' as const, path: file.path };
        await importInProcess(order, 25);
        await importInProcess(order, 50);
        await using store = await openOn(backend, { bucket });
        const { resumeTokens } = store;
        const half = await rejectionOf(resumeTokens.resume('s', '01'));
        expect(half).toMatchObject({ code: WatermarkErrorCode.IMPORT_UNFINISHED });

        const reports = await Promise.all(Array.from({ length: 3 }, () => importInProcess(order)));
        for (const report of reports) {
            expect(report).toMatchObject({ shardIds: ['s'] });
        }
        const watermarks = await resumeTokens.getOrCreateWatermarks(
            's',
            pairs.map(({ token }) => token)
        );
        expect(watermarks).toEqual(pairs.map(({ watermark }) => watermark));
        expect(await messagesOf(bucket)).toBe(5_001);
        const lines = await linesOf(resumeTokens.exportWatermarks());
        expect(lines.join('')).toBe(await exportOf(pairs));
    });

    test.each<[string, object]>([
        ['a watermark that is none', { watermark: 'x' }],
        ['a watermark of the wrong type', { watermark: 7 }],
        ['a major.minor watermark', { watermark: '03.01' }],
        ['a watermark that is not above the one before', { watermark: '02' }],
        ['no token', { token: undefined }],
        ['an empty token', { token: '' }],
        ['a token of the wrong type', { token: 7 }],
        ['half a surrogate pair', { token: 'a\ud800' }],
        ['no shard', { shard: undefined }],
        ['an empty shard', { shard: '' }],
        ['a sync of the wrong type', { sync: 'yes' }],
        ['a null', { shard: null }],
        ['a prototype', JSON.parse('{"token":null,"__proto__":{"token":"x"}}') as object]
    ])('%s is refused with its line, before anything of its block is stored', async (_, change) => {
        await using store = await openOn(backend);
        const pairs = counted(4).map((pair, index) => (index === 2 ? { ...pair, ...change } : pair));
        const error = await rejectionOf(store.resumeTokens.importWatermarks(await exportOf(pairs)));
        expect(error).toMatchObject({ name: 'ImportError', code: WatermarkErrorCode.INVALID_EXPORT, line: 4 });
        expect(await store.resumeTokens.head('s')).toBeNull();
    });
});
