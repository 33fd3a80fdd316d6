import { after, describe as nodeDescribe, it as nodeIt } from 'node:test';

import { afterAll, describe, expectTypeOf, it, test } from 'vitest';

import type { ResumeTokenService, WatermarkService, WatermarkStore } from '../src/index.js';
import { MemoryData, openMemoryStore } from '../src/memory.js';
import type { BackendUnderTest, ConformanceSuite, describeConformance, OpenedInstance } from '../src/testing.js';

/* Nothing in here runs: a wrong type fails the compilation. */

describe('./testing', () => {
    test('takes the functions of vitest, side by side or not, and those of Node', () => {
        type Runner = Parameters<typeof describeConformance>[1];
        expectTypeOf({ describe, it, afterAll }).toExtend<Runner>();
        expectTypeOf({ describe, it: it.concurrent, afterAll }).toExtend<Runner>();
        expectTypeOf({ describe: nodeDescribe, it: nodeIt, afterAll: after }).toExtend<Runner>();
    });

    test('an instance may have either service, and a whole store is one', () => {
        expectTypeOf<WatermarkStore>().toExtend<OpenedInstance>();
        expectTypeOf<{ watermarks: WatermarkService; close(): Promise<void> }>().toExtend<OpenedInstance>();
        expectTypeOf<{ resumeTokens: ResumeTokenService; close(): Promise<void> }>().toExtend<OpenedInstance>();
        expectTypeOf<{ watermarks: WatermarkService }>().not.toExtend<OpenedInstance>();
    });

    test('a backend needs a name and a way to be opened', () => {
        const open = async () => openMemoryStore();
        expectTypeOf({ name: 'mine', open }).toExtend<BackendUnderTest>();
        expectTypeOf({ open }).not.toExtend<BackendUnderTest>();
        expectTypeOf({ name: 'mine', open, services: ['WatermarkService' as const] }).toExtend<BackendUnderTest>();
        expectTypeOf<{ name: string; open: typeof open; services: string[] }>().not.toExtend<BackendUnderTest>();
    });

    test('cases are named, and run without arguments', () => {
        type Case = ConformanceSuite['cases'][number];
        expectTypeOf<Case['name']>().toEqualTypeOf<string>();
        expectTypeOf<Case['run']>().toEqualTypeOf<() => Promise<void>>();
        expectTypeOf<ConformanceSuite['leftOut']>().toEqualTypeOf<readonly string[]>();
    });
});

describe('./memory', () => {
    test('opens a store, with options or without', () => {
        expectTypeOf(openMemoryStore).returns.toEqualTypeOf<WatermarkStore>();
        expectTypeOf(openMemoryStore).toBeCallableWith();
        expectTypeOf(openMemoryStore).toBeCallableWith({ data: new MemoryData(() => 0), retainTokens: 1, retainMs: 0 });
    });
});
