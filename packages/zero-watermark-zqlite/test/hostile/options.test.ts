import { test } from 'vitest';

import { resolveOptions } from '../../src/options.js';

import { expectOwnOptionsOnly, holdsForOptions } from '../../../../test/support/hostile-options.js';

const NAMES = Object.keys(resolveOptions({ database: ':memory:' }));
const GOOD = { database: ':memory:' };

test('any options', () => holdsForOptions(NAMES, GOOD, resolveOptions));

test('nothing gets in by a prototype', () => {
    expectOwnOptionsOnly(GOOD, { tableName: 'x"; DROP TABLE y; --', retainTokens: -1, logger: 7 }, resolveOptions);
});
