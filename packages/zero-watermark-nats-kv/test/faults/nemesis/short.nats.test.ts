import { expect, test } from 'vitest';

import { checkHistory } from '../history/check-history.js';
import { failureOf, reportOf, summaryOf } from './report.js';
import { runFaults } from './run.js';
import { shortRun } from './settings.js';

/** The same schedule each time, unless another one is asked for; who meets whom is another matter each time. */
const SEED = Number(process.env['FAULTS_SEED'] ?? 1);

test('faults of every kind, three applications, every promise kept', async () => {
    const run = await runFaults(shortRun(SEED));
    const violations = checkHistory(run.history);
    const report = reportOf(run, violations);
    const command = `FAULTS_SEED=${SEED} npx vitest run packages/zero-watermark-nats-kv/test/faults/nemesis`;
    expect(failureOf(run, violations, command)).toBeUndefined();
    expect(report.calls, summaryOf(report)).toBeGreaterThanOrEqual(20_000);
    expect(report.faults, summaryOf(report)).toBeGreaterThanOrEqual(30);
    expect(Object.keys(report.faultsByKind).length, summaryOf(report)).toBeGreaterThanOrEqual(6);
}, 240_000);
