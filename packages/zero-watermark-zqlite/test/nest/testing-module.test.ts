import 'reflect-metadata';

import { type INestApplicationContext, Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import {
    ResumeTokenService,
    TOKEN_WATERMARK_SERVICE,
    WatermarkService,
    ZeroWatermarkZqliteModule,
    type ZqliteOptions
} from '../../src/index.js';
import { eventually } from '../support/place.js';

const compile = (options: Partial<ZqliteOptions> = {}) =>
    Test.createTestingModule({
        imports: [ZeroWatermarkZqliteModule.forRoot({ database: ':memory:', ...options })]
    }).compile();

describe('the services in a testing module', () => {
    let module: INestApplicationContext;
    beforeEach(async () => {
        module = await compile();
    });
    afterEach(() => module.close());

    test('store and retrieve watermarks', async () => {
        const service = module.get<WatermarkService>(WatermarkService);
        await service.set('test', '123');
        expect((await service.get('test'))?.version).toBe('123');
    });

    test('resume tokens are there under both names', async () => {
        const service = module.get<ResumeTokenService>(ResumeTokenService);
        expect(module.get(TOKEN_WATERMARK_SERVICE)).toBe(service);
        const watermark = await service.getOrCreateWatermark('app-0', 'cursor');
        expect(await service.getResumeToken('app-0', watermark)).toBe('cursor');
    });

    test('are closed with the module', async () => {
        const service = module.get<WatermarkService>(WatermarkService);
        await module.close();
        await expect(service.get('test')).rejects.toMatchObject({ code: 'ERR_WATERMARK_CLOSED' });
    });
});

test("messages go to Nest's logger, unless the options name another", async () => {
    const toNest = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const own: string[] = [];
    const logger = { warn: (message: string) => void own.push(message), error: () => {} };
    for (const options of [{}, { logger }]) {
        const module = await compile(options);
        await module.get(ResumeTokenService).acknowledge('app-0', 'nonsense');
        await module.close();
    }
    await eventually('both messages', () => own.length === 1 && toNest.mock.calls.length === 1);
    expect(toNest.mock.calls).toEqual([[expect.stringContaining('nothing is removed')]]);
    toNest.mockRestore();
});
