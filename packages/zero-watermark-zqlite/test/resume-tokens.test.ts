import { versionFromLexi, versionToLexi } from '@cbnsndwch/zero-contracts';
import { describe, expect, test } from 'vitest';

import { type LexiVersion, WatermarkErrorCode } from '../src/store.js';
import { Place, places, rejectionOf } from './support/place.js';

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

function expectGrowing(watermarks: readonly LexiVersion[]): void {
    expect(watermarks).toEqual([...new Set(watermarks)].toSorted());
}

/** The same watermark with the position moved and the check changed. */
function moved(watermark: LexiVersion, positions: number, check = 0n): LexiVersion {
    return versionToLexi((versionFromLexi(watermark) + BigInt(positions) * 4_096n) ^ check);
}

/* What only SQLite has; the promises of every backend are tested by the conformance suite, in `conformance/`. */

describe.each(places)('resume tokens $place', ({ options }) => {
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

    test('what nobody gave is unknown, and named; where there is no shard it is pruned', async () => {
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
    });

    test('all who ask at once learn of lost history, and the shard goes on above it', async () => {
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

    test('acknowledge lets thousands of older tokens go, but for those that are to be kept', async () => {
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

    test('acknowledge takes nothing away within retainMs', async () => {
        await using place = new Place();
        const { resumeTokens } = await place.open({ ...options, retainTokens: 0 });
        const watermarks = await resumeTokens.getOrCreateWatermarks('s', named('t', 10));
        await resumeTokens.acknowledge('s', String(watermarks[9]));
        // It would be done with the next write at the latest.
        await resumeTokens.getOrCreateWatermark('s', 'one more');
        expect(await resumeTokens.resume('s', String(watermarks[0]))).toMatchObject({ kind: 'resume' });
    });

    describe('compareResumeTokens', () => {
        const compareResumeTokens = (a: string, b: string) => Number(a) - Number(b);

        test('what waits behind a token that is refused was not sent, and says why', async () => {
            await using place = new Place();
            const { resumeTokens } = await place.open({ ...options, compareResumeTokens });
            const outcomes = await Promise.allSettled(
                ['11', '5', '12'].map(token => resumeTokens.getOrCreateWatermark('s', token))
            );
            expect(outcomes).toMatchObject([
                { status: 'fulfilled' },
                { reason: { code: WatermarkErrorCode.OUT_OF_ORDER } },
                { reason: { code: WatermarkErrorCode.UNAVAILABLE, cause: { code: WatermarkErrorCode.OUT_OF_ORDER } } }
            ]);
        });

        test('tokens before the one that is refused get theirs, in one call too', async () => {
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
});
