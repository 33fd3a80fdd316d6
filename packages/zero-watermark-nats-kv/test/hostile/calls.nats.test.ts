import { afterAll, beforeAll } from 'vitest';

import { describeHostileCalls } from '../../../../test/support/describe-hostile-calls.js';
import { quietLogger } from '../../../../test/support/hostile-store.js';
import { type Backend, openOn, singleServers } from '../support/backends.js';

let backend: Backend;

beforeAll(async () => {
    backend = await (singleServers[0]?.start() ?? Promise.reject(new Error('no server')));
});
afterAll(() => backend[Symbol.asyncDispose]());

describeHostileCalls(() => openOn(backend, { logger: quietLogger }), 'server');
