import { consoleLogger, findOptionProblems, functionOption, loggerOption, wholeNumber } from '../backend.js';
import { InvalidOptionsError, type WatermarkLogger, type WatermarkStore } from '../index.js';
import { MemoryData } from './memory-data.js';
import { MemoryResumeTokenService } from './memory-resume-token.service.js';
import { MemoryWatermarkService } from './memory-watermark.service.js';

/** Options of {@link openMemoryStore}. */
export interface MemoryStoreOptions {
    /**
     * What the store keeps its watermarks and tokens in. Stores on the same data are as several instances of an
     * application, and what is in it outlives them.
     *
     * @default data of its own, empty
     */
    readonly data?: MemoryData;
    /** @default 10_000 */
    readonly retainTokens?: number;
    /** @default 3_600_000 */
    readonly retainMs?: number;
    /** @default tokens are taken in the order of the calls */
    readonly compareResumeTokens?: (a: string, b: string) => number;
    /** @default the console */
    readonly logger?: WatermarkLogger;
}

const MANY = Number.MAX_SAFE_INTEGER;
const CHECKS = {
    data: (value: unknown) => (value instanceof MemoryData ? undefined : 'expected MemoryData'),
    retainTokens: wholeNumber(0, MANY),
    retainMs: wholeNumber(0, MANY),
    compareResumeTokens: functionOption,
    logger: loggerOption
};

/**
 * Opens a store in the memory of this process: nothing to install, nothing to start, gone when the process ends.
 *
 * It keeps every promise of the contracts that does not need a disk, so that tests of an application can use it in place
 * of a real store.
 *
 * @throws {InvalidOptionsError} with every problem of the options
 */
export function openMemoryStore(options: MemoryStoreOptions = {}): WatermarkStore {
    const { given, problems } = findOptionProblems(options, CHECKS);
    if (problems.length > 0) {
        throw new InvalidOptionsError('The memory store is configured wrongly', problems);
    }
    const checked: MemoryStoreOptions = Object.fromEntries(given);
    const { data = new MemoryData(), logger = consoleLogger } = checked;
    const { retainTokens = 10_000, retainMs = 3_600_000, compareResumeTokens } = checked;
    const watermarks = new MemoryWatermarkService(data, logger);
    const resumeTokens = new MemoryResumeTokenService(data, { logger, retainTokens, retainMs, compareResumeTokens });
    const close = async () => {
        await Promise.all([watermarks.close(), resumeTokens.close()]);
    };
    return { watermarks, resumeTokens, close, [Symbol.asyncDispose]: close };
}
