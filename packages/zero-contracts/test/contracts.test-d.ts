import { describe, expectTypeOf, test } from 'vitest';

import {
    type AdvanceResult,
    type AssignedChange,
    compareLexiVersions,
    CorruptRecordError,
    InvalidOptionsError,
    isLexiVersion,
    isWatermarkError,
    type IWatermarkService,
    type LexiVersion,
    PassthroughWatermarkService,
    type ResumePoint,
    type ResumeTokenService,
    RevisionConflictError,
    TOKEN_WATERMARK_SERVICE,
    versionFromLexi,
    versionToLexi,
    type ViewStatus,
    type Watermark,
    type WatermarkChange,
    WatermarkError,
    type WatermarkErrorCode,
    type WatermarkEvent,
    type WatermarkService,
    type WatermarkView
} from '../src/index.js';

/* Nothing in here runs: a wrong type fails the compilation. */

describe('Watermark', () => {
    test('has what was specified, and the revision, which nobody sets', () => {
        expectTypeOf<Omit<Watermark, 'revision'>>().toEqualTypeOf<{
            key: string;
            version: string;
            timestamp: number;
            data?: Record<string, unknown>;
        }>();
        expectTypeOf<Pick<Watermark, 'revision'>>().toEqualTypeOf<{ readonly revision: number }>();
    });
});

describe('WatermarkService', () => {
    test('has the specified methods', () => {
        expectTypeOf<WatermarkService['get']>().toEqualTypeOf<(key: string) => Promise<Watermark | null>>();
        expectTypeOf<WatermarkService['set']>().toEqualTypeOf<
            (key: string, version: string, data?: Record<string, unknown>) => Promise<void>
        >();
        expectTypeOf<WatermarkService['delete']>().toEqualTypeOf<(key: string) => Promise<void>>();
        expectTypeOf<WatermarkService['clear']>().toEqualTypeOf<() => Promise<void>>();
        expectTypeOf<WatermarkService['getAll']>().toEqualTypeOf<() => Promise<Map<string, Watermark>>>();
        expectTypeOf<WatermarkService['watch']>().toExtend<
            (key: string, callback: (watermark: Watermark) => void) => Promise<() => void>
        >();
    });

    test('has the methods beyond', () => {
        expectTypeOf<WatermarkService['create']>().returns.resolves.toEqualTypeOf<number>();
        expectTypeOf<WatermarkService['compareAndSet']>().parameters.toEqualTypeOf<
            [key: string, expectedRevision: number, version: string, data?: Record<string, unknown> | undefined]
        >();
        expectTypeOf<WatermarkService['compareAndSet']>().returns.resolves.toEqualTypeOf<number>();
        expectTypeOf<WatermarkService['advance']>().returns.resolves.toEqualTypeOf<AdvanceResult>();
        expectTypeOf<WatermarkService['getMany']>().parameters.toEqualTypeOf<[keys: Iterable<string>]>();
        expectTypeOf<WatermarkService['history']>().returns.resolves.toEqualTypeOf<readonly Watermark[]>();
        expectTypeOf<WatermarkService['watchAll']>().returns.toEqualTypeOf<AsyncIterable<WatermarkEvent>>();
        expectTypeOf<WatermarkService>().toExtend<AsyncDisposable>();
    });

    test('narrows what advance did', () => {
        const result = {} as AdvanceResult;
        if (result.advanced) {
            expectTypeOf(result).toEqualTypeOf<{ readonly advanced: true; readonly revision: number }>();
        } else {
            expectTypeOf(result.current).toEqualTypeOf<Watermark>();
        }
    });

    test('takes an asynchronous callback too', () => {
        expectTypeOf<(watermark: Watermark) => Promise<void>>().toExtend<Parameters<WatermarkService['watch']>[1]>();
    });

    test('narrows events by their type', () => {
        const event = {} as WatermarkEvent;
        if (event.type === 'set') {
            expectTypeOf(event.watermark).toEqualTypeOf<Watermark>();
        } else if (event.type === 'delete') {
            expectTypeOf(event.key).toEqualTypeOf<string>();
            expectTypeOf(event.revision).toEqualTypeOf<number>();
            expectTypeOf(event.timestamp).toEqualTypeOf<number>();
        } else {
            expectTypeOf(event).toEqualTypeOf<{ readonly type: 'current-complete' }>();
        }
    });
});

describe('WatermarkView', () => {
    test('is opened at once, with options or without', () => {
        expectTypeOf<WatermarkService['view']>().returns.toEqualTypeOf<WatermarkView>();
        expectTypeOf<WatermarkService['view']>().toBeCallableWith();
        expectTypeOf<WatermarkService['view']>().toBeCallableWith({ prefix: 'a', maxEntries: 10 });
        expectTypeOf<WatermarkView>().toExtend<AsyncDisposable>();
    });

    test('reads without a promise, what nobody may change', () => {
        expectTypeOf<WatermarkView['get']>().toEqualTypeOf<(key: string) => Readonly<Watermark> | null>();
        expectTypeOf<WatermarkView['entries']>().returns.toExtend<Iterable<[string, Readonly<Watermark>]>>();
        expectTypeOf<WatermarkView['size']>().toEqualTypeOf<number>();
        expectTypeOf<WatermarkView['lagMs']>().toEqualTypeOf<number>();
        expectTypeOf<WatermarkView['ready']>().toEqualTypeOf<Promise<void>>();
    });

    test('tells each listener what it listens for, and gives a function that ends that', () => {
        const view = {} as WatermarkView;
        const end = view.on('change', change => expectTypeOf(change).toEqualTypeOf<WatermarkChange>());
        expectTypeOf(end).toEqualTypeOf<() => void>();
        view.on('status', status => expectTypeOf(status).toEqualTypeOf<ViewStatus>());
        expectTypeOf<Parameters<WatermarkView['on']>[0]>().toEqualTypeOf<'change' | 'status'>();
    });
});

describe('resume tokens', () => {
    test('fit existing change sources', () => {
        expectTypeOf<ResumeTokenService>().toExtend<IWatermarkService>();
        expectTypeOf<PassthroughWatermarkService>().toExtend<IWatermarkService>();
        expectTypeOf<keyof IWatermarkService>().toEqualTypeOf<'getOrCreateWatermark' | 'getResumeToken'>();
        expectTypeOf<typeof TOKEN_WATERMARK_SERVICE>().toExtend<symbol>();
    });

    test('resume narrows by kind', () => {
        const point = {} as ResumePoint;
        if (point.kind === 'resume') {
            expectTypeOf(point.resumeToken).toEqualTypeOf<string>();
        } else if (point.kind === 'reset-required') {
            expectTypeOf(point.reason).toEqualTypeOf<'pruned' | 'unknown' | 'ahead-of-head'>();
        } else {
            expectTypeOf(point.kind).toEqualTypeOf<'initial-sync'>();
        }
    });

    test('assignWatermarks keeps the type of a change', () => {
        const service = {} as ResumeTokenService;
        const changes = {} as AsyncIterable<{ id: number }>;
        const assigned = service.assignWatermarks('shard', changes, { resumeTokenOf: change => String(change.id) });
        expectTypeOf(assigned).toExtend<AsyncIterable<AssignedChange<{ id: number }>>>();
    });
});

describe('LexiVersions', () => {
    test('take numbers and bigints, and give bigints', () => {
        expectTypeOf(versionToLexi).parameters.toEqualTypeOf<[version: number | bigint]>();
        expectTypeOf(versionToLexi).returns.toEqualTypeOf<LexiVersion>();
        expectTypeOf(versionFromLexi).returns.toEqualTypeOf<bigint>();
        expectTypeOf(isLexiVersion).guards.toEqualTypeOf<LexiVersion>();
    });

    test('sort arrays', () => {
        expectTypeOf(compareLexiVersions).toExtend<Parameters<string[]['sort']>[0]>();
    });
});

describe('errors', () => {
    test('are all WatermarkErrors', () => {
        expectTypeOf<RevisionConflictError>().toExtend<WatermarkError>();
        expectTypeOf<CorruptRecordError>().toExtend<WatermarkError>();
        expectTypeOf<InvalidOptionsError>().toExtend<WatermarkError>();
        expectTypeOf<WatermarkError>().toExtend<Error>();
    });

    test('are narrowed by the guard', () => {
        expectTypeOf(isWatermarkError).guards.toEqualTypeOf<WatermarkError>();
        expectTypeOf<WatermarkError['code']>().toEqualTypeOf<WatermarkErrorCode>();
        expectTypeOf<'ERR_WATERMARK_OUTCOME_UNKNOWN'>().toExtend<WatermarkErrorCode>();
        expectTypeOf<'ERR_SOMETHING_ELSE'>().not.toExtend<WatermarkErrorCode>();
    });

    test('carry what a program needs', () => {
        expectTypeOf<RevisionConflictError['actualRevision']>().toEqualTypeOf<number | null>();
        expectTypeOf<InvalidOptionsError['problems']>().toEqualTypeOf<readonly string[]>();
    });
});
