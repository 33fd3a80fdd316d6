import { expect, test } from 'vitest';

import { microsecondsOf } from './nats-kv-resume-token.service.js';

test.each([
    ['2026-11-23T23:23:14.712564177Z', 1_795_476_194_712_564],
    ['2026-11-23T23:23:14.7Z', 1_795_476_194_700_000],
    ['2026-11-23T23:23:14Z', 1_795_476_194_000_000],
    ['2026-11-23T23:23:14.000001Z', 1_795_476_194_000_001]
])('the microseconds of %s', (timestamp, microseconds) => {
    expect(microsecondsOf(timestamp)).toBe(microseconds);
});
