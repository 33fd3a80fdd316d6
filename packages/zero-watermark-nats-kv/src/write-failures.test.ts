import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { expect, test } from 'vitest';

import { bucketNotFound } from './nats-errors.js';
import { allEnded, doubting, outcomeUnknown, outOfTime } from './write-failures.js';

test('several writes that have all ended well are no failure', async () => {
    await expect(allEnded([Promise.resolve(1), Promise.resolve(2)])).resolves.toBeUndefined();
    await expect(allEnded([])).resolves.toBeUndefined();
});

test('a write in doubt does not hide behind one that has had no effect', async () => {
    const failure = allEnded([Promise.reject(outOfTime()), Promise.resolve(), Promise.reject(outcomeUnknown())]);
    await expect(failure).rejects.toMatchObject({ code: WatermarkErrorCode.OUTCOME_UNKNOWN });
});

test('a failure is told once every write has ended', async () => {
    let ended = false;
    const late = new Promise<void>(resolve => setTimeout(resolve, 20)).then(() => {
        ended = true;
    });
    await expect(allEnded([Promise.reject(outOfTime()), late])).rejects.toBeInstanceOf(WatermarkError);
    expect(ended).toBe(true);
});

test('no later failure hides that something may have been stored', async () => {
    const refused = () => Promise.reject(outOfTime());
    await expect(doubting(true, refused())).rejects.toMatchObject({
        code: WatermarkErrorCode.OUTCOME_UNKNOWN,
        cause: { code: WatermarkErrorCode.UNAVAILABLE }
    });
    await expect(doubting(false, refused())).rejects.toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
    await expect(doubting(true, Promise.resolve(7))).resolves.toBe(7);
});

test('of a bucket that is gone nothing is in doubt', async () => {
    await expect(doubting(true, Promise.reject(bucketNotFound('b')))).rejects.toMatchObject({
        code: WatermarkErrorCode.BUCKET_NOT_FOUND
    });
});
