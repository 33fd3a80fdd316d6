import { openWatermarkStore } from '../../src/store.js';

import { describeHostileCalls } from '../../../../test/support/describe-hostile-calls.js';
import { quietLogger } from '../../../../test/support/hostile-store.js';

describeHostileCalls(() => openWatermarkStore({ database: ':memory:', logger: quietLogger }), 'call');
