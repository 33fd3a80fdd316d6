import { afterAll, beforeAll, describe, it } from 'vitest';

import { describeConformance } from '@cbnsndwch/zero-contracts/testing';

import { type Backend, backends } from './support/backends.js';
import { natsUnderTest } from './support/conformance.js';

for (const { name, start } of backends) {
    describe(name, () => {
        let backend: Backend;
        beforeAll(async () => {
            backend = await start();
        });
        afterAll(async () => {
            await backend[Symbol.asyncDispose]();
        });
        describeConformance(
            natsUnderTest(name, () => backend),
            { describe, it: it.concurrent, afterAll }
        );
    });
}
