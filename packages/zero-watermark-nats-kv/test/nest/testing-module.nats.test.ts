import 'reflect-metadata';

import { type INestApplicationContext, Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import { WatermarkService, ZeroWatermarkNatsKvModule } from '../../src/index.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { uniqueBucket } from '../support/backends.js';
import { connectionsOf } from '../support/monitor.js';

let server: NatsServer;
beforeAll(async () => {
    server = await startNatsServer({ binary: natsServers().newest.path });
});
afterAll(() => server.stop());

describe('WatermarkService in a testing module', () => {
    let service: WatermarkService;
    let module: INestApplicationContext;

    beforeEach(async () => {
        module = await Test.createTestingModule({
            imports: [ZeroWatermarkNatsKvModule.forRoot({ servers: [server.url], bucket: uniqueBucket() })]
        }).compile();
        service = module.get<WatermarkService>(WatermarkService);
    });
    afterEach(() => module.close());

    test('stores and retrieves watermarks', async () => {
        await service.set('test', '123');
        expect((await service.get('test'))?.version).toBe('123');
    });

    test('is closed with the module', async () => {
        await module.close();
        await expect(service.get('test')).rejects.toMatchObject({ code: 'ERR_WATERMARK_CLOSED' });
        await expect.poll(() => connectionsOf(server)).toEqual([]);
    });

    test('may be replaced by another, for tests without a server', async () => {
        const replaced = await Test.createTestingModule({
            imports: [ZeroWatermarkNatsKvModule.forRoot({ servers: [server.url], bucket: uniqueBucket() })]
        })
            .overrideProvider(WatermarkService)
            .useValue({ get: () => Promise.resolve(null) })
            .compile();
        expect(await replaced.get(WatermarkService).get('test')).toBeNull();
        await replaced.close();
    });
});

test("messages go to Nest's logger, unless the options name another", async () => {
    const toNest = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const own: string[] = [];
    const logger = { warn: (message: string) => void own.push(message), error: () => {} };
    const bucket = uniqueBucket();
    const options = { servers: [server.url], bucket };
    // The second and the third find a bucket with another history than they ask for.
    for (const more of [{}, { history: 2 }, { history: 2, logger }]) {
        const imports = [ZeroWatermarkNatsKvModule.forRoot({ ...options, ...more })];
        await (await Test.createTestingModule({ imports }).compile()).close();
    }
    expect(toNest.mock.calls).toEqual([[expect.stringContaining('history is 1 instead of 2')]]);
    expect(own).toEqual([expect.stringContaining('history is 1 instead of 2')]);
    toNest.mockRestore();
});

test.each(['forRoot', 'forRootAsync'] as const)('strict refuses the start of an application (%s)', async way => {
    const options = { servers: [server.url], bucket: uniqueBucket() };
    const memory = ZeroWatermarkNatsKvModule.forRoot({ ...options, storage: 'memory' });
    await (await Test.createTestingModule({ imports: [memory] }).compile()).close();
    const strict = { ...options, strict: true };
    const module =
        way === 'forRoot'
            ? ZeroWatermarkNatsKvModule.forRoot(strict)
            : ZeroWatermarkNatsKvModule.forRootAsync({ useFactory: () => strict });
    const start = Test.createTestingModule({ imports: [module] }).compile();
    await expect(start).rejects.toMatchObject({ code: 'ERR_WATERMARK_BUCKET_MISMATCH' });
    await expect.poll(() => connectionsOf(server)).toEqual([]);
});
