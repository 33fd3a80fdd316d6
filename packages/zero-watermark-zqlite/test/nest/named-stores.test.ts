import 'reflect-metadata';

import { type DynamicModule, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect, test } from 'vitest';

import {
    getResumeTokenServiceToken,
    getWatermarkServiceToken,
    InjectResumeTokens,
    InjectWatermarks,
    InvalidOptionsError,
    ResumeTokenService,
    WatermarkErrorCode,
    WatermarkService,
    ZeroWatermarkZqliteModule
} from '../../src/index.js';
import { Place, rejectionOf } from '../support/place.js';

class Auditor {
    readonly audit: WatermarkService;
    readonly tokens: ResumeTokenService;

    constructor(audit: WatermarkService, tokens: ResumeTokenService) {
        this.audit = audit;
        this.tokens = tokens;
    }
}
Injectable()(Auditor);
InjectWatermarks('audit')(Auditor, undefined, 0);
InjectResumeTokens('audit')(Auditor, undefined, 1);

const start = (database: string) =>
    Test.createTestingModule({
        imports: [
            ZeroWatermarkZqliteModule.forRoot({ database }),
            ZeroWatermarkZqliteModule.forRootAsync(
                { useFactory: () => ({ database, tableName: 'audit' }) },
                { storeName: 'audit' }
            )
        ],
        providers: [Auditor]
    }).compile();

test('two stores in one application are kept apart, and both are closed with it', async () => {
    await using place = new Place();
    const app = await start(place.database);
    const [main, { audit, tokens }] = [app.get(WatermarkService), app.get(Auditor)];
    expect(audit).toBe(app.get(getWatermarkServiceToken('audit')));
    expect(tokens).toBe(app.get(getResumeTokenServiceToken('audit')));
    await main.set('users', 'main');
    await audit.set('users', 'audit');
    await tokens.getOrCreateWatermark('app-0', 'a token');
    expect((await main.get('users'))?.version).toBe('main');
    expect((await audit.get('users'))?.version).toBe('audit');
    expect(await app.get(ResumeTokenService).head('app-0')).toBeNull();
    await app.close();
    for (const service of [main, audit]) {
        expect(await rejectionOf(service.get('users'))).toMatchObject({ code: WatermarkErrorCode.CLOSED });
    }
    expect(place.files).toEqual(['watermarks.db']);
});

test('two applications in one process: closing one leaves the other at work', async () => {
    await using place = new Place();
    const [one, other] = [await start(place.database), await start(place.database)];
    await one.get(Auditor).audit.set('users', 'v1');
    await one.close();
    await other.get(Auditor).audit.set('orders', 'v1');
    expect([...(await other.get(Auditor).audit.getAll()).keys()].sort()).toEqual(['orders', 'users']);
    await other.close();
});

test('two stores without a name are refused before one is opened, whatever else gives one to all modules', async () => {
    await using place = new Place();
    class OtherModule {}
    const other: DynamicModule = {
        module: OtherModule,
        global: true,
        providers: [{ provide: WatermarkService, useValue: {} }],
        exports: [WatermarkService]
    };
    const ours = ZeroWatermarkZqliteModule.forRoot({ database: place.database });
    const error = await rejectionOf(Test.createTestingModule({ imports: [ours, other] }).compile());
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error).toMatchObject({
        message: expect.stringContaining('ZeroWatermarkZqliteModule and OtherModule are declared without a storeName')
    });
    expect(place.files).toEqual([]);
    // What only those modules see that import it is in nobody's way.
    const app = await Test.createTestingModule({ imports: [ours, { ...other, global: false }] }).compile();
    await app.close();
});

test('a name that is none is refused at once', () => {
    expect(() => ZeroWatermarkZqliteModule.forRoot({ database: 'x' }, { storeName: '' })).toThrow(InvalidOptionsError);
});
