// @ts-check

/**
 * Closes a test run with what a person or a script can rely on: a line for each test that failed or needed a second try,
 * and then `N passed, M failed`.
 */
export default class ClosingLineReporter {
    /**
     * @param {ReadonlyArray<import('vitest/node').TestModule>} modules
     * @param {ReadonlyArray<import('vitest').SerializedError>} errors
     */
    onTestRunEnd(modules, errors) {
        let passed = 0;
        const failures = errors.map(error => `failed outside of tests: ${firstLine(error)}`);
        const secondTries = [];
        for (const module of modules) {
            const file = module.relativeModuleId;
            // A file that can't be loaded has no tests that could fail.
            if (module.state() === 'failed' && module.errors().length > 0) {
                failures.push(`failed: ${file}: ${firstLine(module.errors()[0])}`);
            }
            for (const test of module.children.allTests()) {
                const { state, errors: found = [] } = test.result();
                const what = `${file} > ${test.fullName}: ${firstLine(found[0])}`;
                if (state === 'failed') {
                    failures.push(`failed: ${what}`);
                } else if (state === 'passed') {
                    passed += 1;
                    if (found.length > 0) {
                        secondTries.push(`second try: ${what}`);
                    }
                }
            }
        }
        const lines = [...secondTries, ...failures, `${passed} passed, ${failures.length} failed`];
        process.stdout.write(`\n${lines.join('\n')}\n`);
    }
}

/** @param {{ readonly message: string } | undefined} error */
function firstLine(error) {
    return error?.message.split('\n', 1)[0] ?? '';
}
