import { afterAll, describe, expect, it, test } from 'vitest';

import { ConformanceSuite, describeConformance } from '../src/testing.js';
import { memoryUnderTest } from './support/memory-under-test.js';

describeConformance(memoryUnderTest(), { describe, it, afterAll });

test('the memory store leaves out only what needs a limit', () => {
    expect(new ConformanceSuite(memoryUnderTest()).leftOut).toEqual([
        'versions and data: data that is too large is refused, and nothing is stored',
        'keys: a key that is too long is refused',
        'exportWatermarks and importWatermarks: what is too large is reported, and the rest arrives',
        'shards: a resume token that is too large is refused, and nothing is stored',
        'importWatermarks: a token that is too large is refused with its line'
    ]);
});
