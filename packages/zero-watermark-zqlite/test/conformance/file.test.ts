import { afterAll, describe, expect, it, test } from 'vitest';

import { type BackendUnderTest, ConformanceSuite, describeConformance } from '@cbnsndwch/zero-contracts/testing';

import { openWatermarkStore } from '../../src/store.js';
import { SqliteFiles } from './sqlite-under-test.js';

const files = new SqliteFiles();

/** Several stores on one file, in one process. */
const underTest: BackendUnderTest = {
    name: 'SQLite in a file',
    capabilities: files.capabilities,
    open: (space, { instance: _, ...options }) => openWatermarkStore({ ...options, ...files.optionsOf(space) })
};

describeConformance(underTest, { describe, it: it.concurrent, afterAll });

test('no promise is left out', () => {
    expect(new ConformanceSuite(underTest).leftOut).toEqual([]);
});

afterAll(() => files[Symbol.dispose]());
