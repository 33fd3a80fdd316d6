import { afterAll, describe, it } from 'vitest';

import { describeConformance } from '@cbnsndwch/zero-contracts/testing';

import { memoryUnderTest } from './sqlite-under-test.js';

/* What is left out needs a file: several instances, data that outlives them, and whatever is done to it by others. */

describeConformance(memoryUnderTest, { describe, it, afterAll });
