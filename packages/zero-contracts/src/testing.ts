/**
 * The promises of `WatermarkService` and `ResumeTokenService` as tests that any backend can be held to, with any test
 * runner. See docs/new-backend.md.
 *
 * @module
 */
export type {
    BackendUnderTest,
    Capabilities,
    InstanceOptions,
    OpenedInstance,
    ServiceName
} from './testing/backend-under-test.js';
export { describeConformance } from './testing/describe-conformance.js';
export type { TestRunner } from './testing/describe-conformance.js';
export { BrokenPromise, ConformanceSuite } from './testing/suite.js';
export type { ConformanceCase } from './testing/suite.js';
