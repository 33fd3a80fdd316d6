import { expect, test } from 'vitest';

import { openMemoryStore } from '../../src/memory.js';

import { describeHostileCalls } from '../../../../test/support/describe-hostile-calls.js';
import { recordLog } from '../../../../test/support/expectations.js';
import { quietLogger } from '../../../../test/support/hostile-store.js';

describeHostileCalls(() => openMemoryStore({ logger: quietLogger }), 'call');

test('acknowledgements of anything are logged once in a while, not each', async () => {
    const logger = recordLog();
    await using store = openMemoryStore({ logger });
    for (let sent = 0; sent < 1_000; sent += 1) {
        await store.resumeTokens.acknowledge('s', `no watermark ${sent}`);
    }
    expect(logger.warnings).toHaveLength(1);
});
