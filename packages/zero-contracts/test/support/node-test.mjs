// The conformance suite under Node's own test runner; see node-test.test.ts.
import { after, describe, it } from 'node:test';

import { openMemoryStore } from '@cbnsndwch/zero-contracts/memory';
import { describeConformance } from '@cbnsndwch/zero-contracts/testing';

const backend = {
    name: 'The memory store',
    open: async (_space, { instance: _, ...options }) => openMemoryStore(options)
};

describeConformance(backend, { describe, it, afterAll: after });
