import { defineConfig } from 'vitest/config';

import LongestFirstSequencer from './scripts/longest-first-sequencer.mjs';

const resolve = { conditions: ['@cbnsndwch/source', 'module', 'node', 'import', 'default'] };

/** Tests run on the sources, so that no build stands between a change and its test. */
export default defineConfig({
    resolve,
    ssr: { resolve: { conditions: resolve.conditions, externalConditions: ['node', 'import', 'default'] } },
    test: {
        include: ['**/*.test.ts'],
        exclude: ['**/node_modules/**', '**/dist/**', '**/.cache/**'],
        pool: 'forks',
        // Most of the time is waiting for elections, so one more than a small machine has cores.
        maxWorkers: 3,
        sequence: { sequencer: LongestFirstSequencer },
        // What waits for elections takes seconds, but on a busy machine many of them.
        testTimeout: 120_000,
        hookTimeout: 120_000,
        // Tests with real faults depend on elections that now and then take longer than any sensible limit. A second try is
        // reported as such; locally there is none, so that what is wrong shows.
        retry: process.env['CI'] === undefined ? 0 : 1,
        reporters: ['default', './scripts/closing-line-reporter.mjs']
    }
});
