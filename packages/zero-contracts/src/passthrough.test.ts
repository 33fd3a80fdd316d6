import { expect, test } from 'vitest';

import { type LexiVersion, PassthroughWatermarkService, TOKEN_WATERMARK_SERVICE, WatermarkErrorCode } from './index.js';

const service = new PassthroughWatermarkService();

test.each(['00', '0z', '110', '41a2b3'])('%s is its own watermark, and leads back to itself', async token => {
    const watermark = await service.getOrCreateWatermark('s', token);
    expect(watermark).toBe(token);
    expect(await service.getResumeToken('s', watermark)).toBe(token);
});

test.each(['', '0', '0A', '010', 'a token'])('%j, which is no LexiVersion, has no watermark', async token => {
    await expect(service.getOrCreateWatermark('s', token)).rejects.toMatchObject({
        code: WatermarkErrorCode.INVALID_ARGUMENT
    });
});

test('zero-cache may say how far it was within a transaction: the transaction is what it leads back to', async () => {
    expect(await service.getResumeToken('s', '110.01')).toBe('110');
});

test('what it would not give leads nowhere', async () => {
    for (const watermark of ['', 'a token', undefined]) {
        expect(await service.getResumeToken('s', watermark as LexiVersion)).toBeUndefined();
    }
});

test('existing change sources find the service under the symbol', () => {
    expect(TOKEN_WATERMARK_SERVICE).toBe(Symbol.for('TOKEN_WATERMARK_SERVICE'));
});
