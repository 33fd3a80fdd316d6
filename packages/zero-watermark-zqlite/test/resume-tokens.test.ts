import { versionFromLexi, versionToLexi } from '@cbnsndwch/zero-contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isWatermarkError, type LexiVersion, WatermarkErrorCode } from '../src/store.js';
import { eventually, Place, places, recordLog, rejectionOf } from './support/place.js';

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

function expectGrowing(watermarks: readonly LexiVersion[]): void {
    expect(watermarks).toEqual([...new Set(watermarks)].toSorted());
}

/** The same watermark with the position moved and the check changed. */
function moved(watermark: LexiVersion, positions: number, check = 0n): LexiVersion {
    return versionToLexi((versionFromLexi(watermark) + BigInt(positions) * 4_096n) ^ check);
}

describe.each(places)('resume tokens $place', ({ options }) => {
    describe('one watermark a token', () => {
        test('later tokens have larger ones, in calls that overlap too, and back', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open(options);
            const tokens = named('token-', 300);
            const watermarks = await Promise.all(tokens.map(token => resumeTokens.getOrCreateWatermark('s', token)));
            expectGrowing(watermarks);
            expect(await resumeTokens.getOrCreateWatermarks('s', tokens)).toEqual(watermarks);
            const first = String(watermarks[0]);
            expect(await resumeTokens.getResumeToken('s', first)).toBe('token-0');
            expect(await resumeTokens.getResumeToken('s', `${first}.01`)).toBe('token-0');
            expect(await resumeTokens.head('s')).toEqual({ watermark: watermarks.at(-1), resumeToken: 'token-299' });
        });

        test('many at once: new ones, known ones and the same one twice', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open(options);
            const known = await resumeTokens.getOrCreateWatermarks('s', ['b', 'd']);
            const all = await resumeTokens.getOrCreateWatermarks('s', ['a', 'b', 'c', 'a', 'd', 'e']);
            expect([all[1], all[4]]).toEqual(known);
            expect(all[3]).toBe(all[0]);
            expectGrowing([all[1], all[4], all[0], all[2], all[5]].map(String));
            expect(await resumeTokens.getOrCreateWatermarks('s', [])).toEqual([]);
        });

        test('5,500 at once keep the order, other calls in between', async () => {
            await using place = new Place();
            const { resumeTokens, watermarks } = await place.open(options);
            const [many, after, stored] = await Promise.all([
                resumeTokens.getOrCreateWatermarks('s', named('bulk-', 5_500)),
                resumeTokens.getOrCreateWatermark('s', 'after'),
                watermarks.create('users', 'v1')
            ]);
            expectGrowing([...many, after]);
            expect(stored).toBe(1);
        });

        test('any token: `lsn`, `01`, base64, JSON, 10 KB, any Unicode', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open(options);
            const unicode = fc.sample(fc.string({ unit: 'binary', minLength: 1 }), { numRuns: 40, seed: 2 });
            const special = ['lsn', '01', 'gmVn/+A==', '{"_data":"82 6"}', 'x'.repeat(10_240), ' ', '\0', 'A', 'a'];
            const tokens = [...special, ...new Set(unicode)];
            const watermarks = await resumeTokens.getOrCreateWatermarks('s', tokens);
            expectGrowing(watermarks);
            for (const [index, token] of tokens.entries()) {
                expect(await resumeTokens.getResumeToken('s', String(watermarks[index]))).toBe(token);
                expect(await resumeTokens.getOrCreateWatermark('s', token)).toBe(watermarks[index]);
            }
        });

        test("shards with any characters don't touch each other", async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open(options);
            const shards = ['a', 'A', 'a_', 'a.b', 'ü', '0', ' ', '\0'];
            const watermarks = await Promise.all(shards.map(shard => resumeTokens.getOrCreateWatermark(shard, shard)));
            for (const [index, shard] of shards.entries()) {
                expect(await resumeTokens.head(shard)).toEqual({ watermark: watermarks[index], resumeToken: shard });
            }
            expect(await resumeTokens.head('nobody')).toBeNull();
            expect(await resumeTokens.getResumeToken('nobody', String(watermarks[0]))).toBeUndefined();
        });

        test('a shard begins at the clock', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open(options);
            const before = BigInt(Date.now()) * 1_000n;
            await resumeTokens.provision(['s', 't', 's']);
            const watermark = await resumeTokens.getOrCreateWatermark('s', 'a');
            const sequence = versionFromLexi(watermark) / 4_096n;
            expect(sequence > before).toBe(true);
            expect(sequence <= BigInt(Date.now() + 2) * 1_000n).toBe(true);
        });
    });

    test('bad arguments are refused, and nothing is written', async () => {
        await using place = new Place();
        const { resumeTokens } = await place.open({ ...options, maxValueSizeBytes: 1_000 });
        const nothing = undefined as unknown as string;
        const { INVALID_ARGUMENT, VALUE_TOO_LARGE } = WatermarkErrorCode;
        for (const [code, call] of [
            [INVALID_ARGUMENT, () => resumeTokens.getOrCreateWatermark('', 'a')],
            [INVALID_ARGUMENT, () => resumeTokens.getOrCreateWatermark(nothing, 'a')],
            [INVALID_ARGUMENT, () => resumeTokens.getOrCreateWatermark('s', '')],
            [INVALID_ARGUMENT, () => resumeTokens.getOrCreateWatermarks('s', ['a', nothing])],
            [INVALID_ARGUMENT, () => resumeTokens.beginSync('s', 'a\ud800')],
            [INVALID_ARGUMENT, () => resumeTokens.getResumeToken('s', 'nonsense')],
            [INVALID_ARGUMENT, () => resumeTokens.head('a\ud800')],
            [INVALID_ARGUMENT, () => resumeTokens.provision(['t', ''])],
            [VALUE_TOO_LARGE, () => resumeTokens.getOrCreateWatermark('s', 'ü'.repeat(501))]
        ] as const) {
            const error = await rejectionOf(call());
            expect(isWatermarkError(error, code), error.message).toBe(true);
        }
        expect(await resumeTokens.head('s')).toBeNull();
    });

    describe('resume', () => {
        test('from what was given; a first connection begins with a sync', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open(options);
            expect(await resumeTokens.resume('s', undefined)).toEqual({ kind: 'initial-sync' });
            expect(await resumeTokens.resume('s', '')).toEqual({ kind: 'initial-sync' });
            const watermark = await resumeTokens.getOrCreateWatermark('s', 'a');
            expect(await resumeTokens.resume('s', watermark)).toEqual({ kind: 'resume', resumeToken: 'a' });
        });

        test('what another shard gave, or nobody, is unknown, and nothing is lost by asking', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open(options);
            const [first = '', second = ''] = await resumeTokens.getOrCreateWatermarks('s', ['a', 'b']);
            const unknown = ['nonsense', '00', moved(first, 0, 1n), moved(second, 10_000_000_000)];
            for (const watermark of unknown) {
                expect(await resumeTokens.resume('s', watermark)).toMatchObject({
                    kind: 'reset-required',
                    reason: 'unknown',
                    message: expect.stringContaining(JSON.stringify(watermark)) as string
                });
            }
            expect(await resumeTokens.resume('nobody', second)).toMatchObject({ reason: 'pruned' });
            expect(await resumeTokens.head('s')).toEqual({ watermark: second, resumeToken: 'b' });
        });

        test('above the head is lost history: reset, and the shard goes on above it', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open(options);
            const [first = '', second = ''] = await resumeTokens.getOrCreateWatermarks('s', ['a', 'b']);
            // In the clock's past, as what was given out is.
            await new Promise(resolve => setTimeout(resolve, 5));
            const ahead = moved(second, 3);
            const points = await Promise.all([resumeTokens.resume('s', ahead), resumeTokens.resume('s', ahead)]);
            expect(points).toMatchObject([{ reason: 'ahead-of-head' }, { reason: 'ahead-of-head' }]);
            expect(await resumeTokens.head('s')).toBeNull();
            const after = await resumeTokens.getOrCreateWatermark('s', 'a');
            expectGrowing([first, second, ahead, after]);
            for (const watermark of [first, second, ahead]) {
                expect(await resumeTokens.resume('s', watermark)).toMatchObject({ reason: 'pruned' });
            }
        });
    });

    test('beginSync: always a watermark of its own, above all before, that resumes at its token', async () => {
        await using place = new Place();
        const { resumeTokens } = await place.open(options);
        const first = await resumeTokens.beginSync('s', 'a');
        const given = await resumeTokens.getOrCreateWatermark('s', 'a');
        const second = await resumeTokens.beginSync('s', 'a');
        const third = await resumeTokens.beginSync('s', 'a');
        expectGrowing([first, given, second, third]);
        expect(await resumeTokens.resume('s', third)).toEqual({ kind: 'resume', resumeToken: 'a' });
        expect(await resumeTokens.head('s')).toEqual({ watermark: third, resumeToken: 'a' });
        expect(await resumeTokens.getOrCreateWatermark('s', 'a')).toBe(given);
    });

    describe('acknowledge', () => {
        test('lets older tokens go, but for those that are to be kept', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open({ ...options, retainMs: 0, retainTokens: 10 });
            const watermarks = await resumeTokens.getOrCreateWatermarks('s', named('t', 3_500));
            const reasonFor = async (index: number) => {
                const point = await resumeTokens.resume('s', String(watermarks[index]));
                return point.kind === 'reset-required' ? point.reason : point.kind;
            };
            await resumeTokens.acknowledge('s', String(watermarks[3_000]));
            for (let last = await reasonFor(2_989); last !== 'pruned'; last = await reasonFor(2_989)) {
                await new Promise(resolve => setTimeout(resolve, 5));
            }
            expect([await reasonFor(0), await reasonFor(2_990)]).toEqual(['pruned', 'resume']);
            expect(await resumeTokens.getOrCreateWatermark('s', 't2990')).toBe(watermarks[2_990]);
            const again = await resumeTokens.getOrCreateWatermark('s', 't0');
            expect(again > String(watermarks.at(-1))).toBe(true);
        });

        test('of what this shard never gave removes nothing, and is logged', async () => {
            await using place = new Place();
            const logger = recordLog();
            const { resumeTokens } = await place.open({ ...options, retainMs: 0, retainTokens: 0, logger });
            const watermarks = await resumeTokens.getOrCreateWatermarks('s', named('t', 10));
            const last = String(watermarks[9]);
            for (const [index, watermark] of ['nonsense', moved(last, 0, 1n), moved(last, 10)].entries()) {
                await resumeTokens.acknowledge('s', watermark);
                await eventually(`warning ${index}`, () => logger.warnings.length === index + 1);
            }
            expect(logger.warnings.every(warning => warning.includes('nothing is removed'))).toBe(true);
            expect(await resumeTokens.resume('s', String(watermarks[0]))).toMatchObject({ kind: 'resume' });
        });

        test('within retainMs nothing goes', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open({ ...options, retainTokens: 0 });
            const watermarks = await resumeTokens.getOrCreateWatermarks('s', named('t', 10));
            await resumeTokens.acknowledge('s', String(watermarks[9]));
            // It would be done with the next write at the latest.
            await resumeTokens.getOrCreateWatermark('s', 'one more');
            expect(await resumeTokens.resume('s', String(watermarks[0]))).toMatchObject({ kind: 'resume' });
        });
    });

    test('abandon makes every watermark so far a reset, and new ones go on above', async () => {
        await using place = new Place();
        const { resumeTokens } = await place.open(options);
        const before = await resumeTokens.getOrCreateWatermarks('s', ['a', 'b']);
        const other = await resumeTokens.getOrCreateWatermark('other', 'a');
        await resumeTokens.abandon('s');
        await resumeTokens.abandon('s');
        for (const watermark of before) {
            expect(await resumeTokens.resume('s', watermark)).toMatchObject({ reason: 'pruned' });
        }
        expect(await resumeTokens.head('s')).toBeNull();
        expectGrowing([...before, await resumeTokens.getOrCreateWatermark('s', 'a')]);
        expect(await resumeTokens.getResumeToken('other', other)).toBe('a');
    });

    test('clear does so for all shards', async () => {
        await using place = new Place();
        const { resumeTokens } = await place.open(options);
        await resumeTokens.clear();
        const before = await Promise.all(['s', 't'].map(shard => resumeTokens.getOrCreateWatermark(shard, 'a')));
        await resumeTokens.clear();
        for (const [index, shard] of ['s', 't'].entries()) {
            expect(await resumeTokens.head(shard)).toBeNull();
            expectGrowing([String(before[index]), await resumeTokens.getOrCreateWatermark(shard, 'a')]);
        }
    });

    describe('compareResumeTokens', () => {
        const compareResumeTokens = (a: string, b: string) => Number(a) - Number(b);

        test('refuses a new token that is not after the head, and all that wait behind it', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open({ ...options, compareResumeTokens });
            const [one, ten] = await resumeTokens.getOrCreateWatermarks('s', ['1', '10']);
            const outcomes = await Promise.allSettled(
                ['11', '5', '12'].map(token => resumeTokens.getOrCreateWatermark('s', token))
            );
            expect(outcomes).toMatchObject([
                { status: 'fulfilled' },
                { reason: { code: WatermarkErrorCode.OUT_OF_ORDER } },
                { reason: { code: WatermarkErrorCode.UNAVAILABLE, cause: { code: WatermarkErrorCode.OUT_OF_ORDER } } }
            ]);
            expect(await resumeTokens.getOrCreateWatermarks('s', ['10', '1'])).toEqual([ten, one]);
            // Where a sync begins says nothing about the order of changes.
            await resumeTokens.beginSync('s', '3');
            expect(await resumeTokens.head('s')).toMatchObject({ resumeToken: '3' });
        });

        test('gives those before the offending one theirs', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open({ ...options, compareResumeTokens });
            const error = await rejectionOf(
                resumeTokens.getOrCreateWatermarks('s', ['1', '2', '2.5', '2', '0.5', '3'])
            );
            expect(error).toMatchObject({ code: WatermarkErrorCode.OUT_OF_ORDER });
            expect(await resumeTokens.head('s')).toMatchObject({ resumeToken: '2.5' });
        });

        test('an order that throws fails its own shard alone', async () => {
            await using place = new Place();
            const broken = () => {
                throw new RangeError('broken order');
            };
            const { resumeTokens } = await place.open({ ...options, compareResumeTokens: broken });
            await resumeTokens.getOrCreateWatermark('s', 'a');
            const [failed, other] = await Promise.allSettled([
                resumeTokens.getOrCreateWatermark('s', 'b'),
                resumeTokens.getOrCreateWatermark('t', 'b')
            ]);
            expect([failed.status, other.status]).toEqual(['rejected', 'fulfilled']);
        });
    });

    test('assignWatermarks gives each change of a fast source its watermark, in order', async () => {
        await using place = new Place();
        const { resumeTokens } = await place.open(options);
        async function* changes() {
            for (let id = 0; id < 3_000; id += 1) {
                yield await Promise.resolve({ id });
            }
        }
        const assigned: { readonly id: number; readonly watermark: LexiVersion }[] = [];
        const assignOptions = { resumeTokenOf: ({ id }: { readonly id: number }) => `t${id}` };
        for await (const { change, watermark } of resumeTokens.assignWatermarks('s', changes(), assignOptions)) {
            assigned.push({ ...change, watermark });
        }
        expect(assigned.map(({ id }) => id)).toEqual(Array.from({ length: 3_000 }, (_, id) => id));
        expectGrowing(assigned.map(({ watermark }) => watermark));
    });
});

test('tokens outlive the store', async () => {
    await using place = new Place();
    const one = await place.open();
    const before = await one.resumeTokens.getOrCreateWatermarks('s', ['a', 'b']);
    await one.resumeTokens.abandon('t');
    const abandoned = await one.resumeTokens.getOrCreateWatermark('t', 'a');
    await one.resumeTokens.abandon('t');
    await one.close();
    const two = await place.open();
    expect(await two.resumeTokens.getOrCreateWatermarks('s', ['a', 'b'])).toEqual(before);
    expect(await two.resumeTokens.resume('s', String(before[0]))).toEqual({ kind: 'resume', resumeToken: 'a' });
    expectGrowing([...before, await two.resumeTokens.getOrCreateWatermark('s', 'c')]);
    expectGrowing([abandoned, await two.resumeTokens.getOrCreateWatermark('t', 'a')]);
});
