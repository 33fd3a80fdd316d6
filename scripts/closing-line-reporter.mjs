// @ts-check

/**
 * Closes a test run with one line that a person or a script can rely on: `N passed, M failed`.
 */
export default class ClosingLineReporter {
    /**
     * @param {ReadonlyArray<import('vitest/node').TestModule>} modules
     * @param {ReadonlyArray<unknown>} errors
     */
    onTestRunEnd(modules, errors) {
        let passed = 0;
        let failed = errors.length;
        for (const module of modules) {
            // A file that can't be loaded has no tests that could fail.
            failed += module.state() === 'failed' && module.errors().length > 0 ? 1 : 0;
            for (const test of module.children.allTests()) {
                const { state } = test.result();
                passed += state === 'passed' ? 1 : 0;
                failed += state === 'failed' ? 1 : 0;
            }
        }
        process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
    }
}
