import { expectTypeOf } from 'vitest';

import type { WatermarkService } from '../../../src/index.js';

// Both are wrong on purpose: a test sees that each of them is found.
expectTypeOf<WatermarkService['get']>().returns.resolves.toEqualTypeOf<string>();
// @ts-expect-error it has this method, so that nothing is in error here
export type Delete = WatermarkService['delete'];
