import type { BackendUnderTest } from './backend-under-test.js';
import { type ConformanceCase, ConformanceSuite } from './suite.js';

/** The functions of a test runner: vitest and jest have them under these names, node:test calls `afterAll` `after`. */
export interface TestRunner {
    readonly describe: (name: string, declare: () => void) => unknown;
    /** With one that runs tests side by side (`it.concurrent` of vitest), slow stores are tested much faster. */
    readonly it: (name: string, run: () => Promise<void>) => unknown;
    readonly afterAll: (run: () => Promise<void>) => unknown;
}

/**
 * Declares a test for each promise that a backend must keep.
 *
 * ```ts
 * import { after, describe, it } from 'node:test';
 *
 * describeConformance(backend, { describe, it, afterAll: after });
 * ```
 */
export function describeConformance(backend: BackendUnderTest, { describe, it, afterAll }: TestRunner): void {
    const suite = new ConformanceSuite(backend);
    const nameOf = ({ service, topic }: ConformanceCase) => `${service}, ${topic}`;
    describe(`${backend.name} keeps the promises of`, () => {
        afterAll(() => suite.close());
        for (const topic of new Set(suite.cases.map(nameOf))) {
            const cases = suite.cases.filter(each => nameOf(each) === topic);
            describe(topic, () => cases.forEach(({ name, run }) => it(name, run)));
        }
    });
}
