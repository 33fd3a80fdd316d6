import { expect, test } from 'vitest';

import { WatermarkError, WatermarkErrorCode } from '../errors.js';
import { concurrently } from './concurrently.js';

const turn = () => new Promise(resolve => setImmediate(resolve));

test('each item once, never more at once than the limit', async () => {
    const seen: number[] = [];
    let underWay = 0;
    let most = 0;
    await concurrently(
        Array.from({ length: 100 }, (_, index) => index),
        7,
        async item => {
            underWay += 1;
            most = Math.max(most, underWay);
            await turn();
            seen.push(item);
            underWay -= 1;
        }
    );
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(most).toBe(7);
    await concurrently([], 7, async () => Promise.reject(new Error('nothing to run')));
});

test('after a failure none begins, and it rejects once all have ended', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const failure = new Error('no');
    const running = concurrently(
        Array.from({ length: 100 }, (_, index) => index),
        4,
        async item => {
            begun.push(item);
            await turn();
            if (item === 5) {
                throw failure;
            }
            await turn();
            ended.push(item);
        }
    );
    await expect(running).rejects.toBe(failure);
    expect(ended.length).toBe(begun.length - 1);
    expect(begun.length).toBeLessThan(12);
});

test('a write in doubt does not hide behind a failure that came before it', async () => {
    const running = concurrently([1, 2, 3], 3, async item => {
        if (item === 1) {
            throw new WatermarkError(WatermarkErrorCode.UNAVAILABLE, 'not sent');
        }
        await turn();
        if (item === 2) {
            throw new WatermarkError(WatermarkErrorCode.OUTCOME_UNKNOWN, 'sent');
        }
        throw new Error('last');
    });
    await expect(running).rejects.toMatchObject({ code: WatermarkErrorCode.OUTCOME_UNKNOWN });
});
