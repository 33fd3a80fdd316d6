import { afterAll, describe, expect, it, test } from 'vitest';

import { type BackendUnderTest, ConformanceSuite, describeConformance } from '@cbnsndwch/zero-contracts/testing';

import { StoreProcess } from '../../../../test/support/remote-store.js';
import { openWatermarkStore } from '../../src/store.js';
import { SqliteFiles } from './sqlite-under-test.js';

const files = new SqliteFiles();
const other = new StoreProcess('@cbnsndwch/zero-watermark-zqlite/store');

/** Stores on one file in two processes: whatever several instances promise each other, they promise across processes. */
const underTest: BackendUnderTest = {
    name: 'SQLite in a file, of two processes',
    // Functions can't be handed to another process.
    capabilities: { ...files.capabilities, tokenOrder: false },
    open: async (space, { instance, logger, ...options }) => {
        const settings = { ...options, ...files.optionsOf(space) };
        return instance % 2 === 0 ? openWatermarkStore({ ...settings, logger }) : other.open(settings, logger);
    }
};

describeConformance(underTest, { describe, it: it.concurrent, afterAll });

test('left out is only the order of tokens', () => {
    const { leftOut } = new ConformanceSuite(underTest);
    expect(leftOut.filter(name => !name.startsWith('compareResumeTokens: '))).toEqual([]);
});

afterAll(async () => {
    await other[Symbol.asyncDispose]();
    files[Symbol.dispose]();
});
