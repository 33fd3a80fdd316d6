import { MemoryData } from '../../src/memory.js';
import { MemoryResumeTokenService, type MemoryTokenOptions } from '../../src/memory/memory-resume-token.service.js';
import { MemoryWatermarkService } from '../../src/memory/memory-watermark.service.js';
import type { ResumeTokenService, WatermarkLogger, WatermarkService } from '../../src/index.js';
import type { BackendUnderTest } from '../../src/testing.js';
import { memoryUnderTest } from '../support/memory-under-test.js';

/** Makes a service that has something wrong. */
export type MakeWatermarks = (data: MemoryData, logger: WatermarkLogger) => WatermarkService;

/** A memory store with one thing wrong. */
export interface Broken {
    readonly defect: string;
    /** The promise that it breaks, as `topic: name`. */
    readonly breaks: string;
    readonly watermarks?: MakeWatermarks;
    readonly resumeTokens?: (data: MemoryData, options: MemoryTokenOptions) => ResumeTokenService;
    /** What a space is kept in when it is opened, also again after it was wiped. */
    readonly data?: () => MemoryData;
}

/** How long cases wait for what never comes; the memory store needs a millisecond at the most. */
const PATIENCE_MS = 250;

export function brokenUnderTest(broken: Broken): BackendUnderTest {
    return memoryUnderTest({
        name: broken.defect,
        patienceMs: PATIENCE_MS,
        makeData: broken.data ?? (() => new MemoryData()),
        open: (data, options) => {
            const { logger, retainTokens = 10_000, retainMs = 3_600_000, compareResumeTokens } = options;
            const tokenOptions = { logger, retainTokens, retainMs, compareResumeTokens };
            const watermarks = broken.watermarks?.(data, logger) ?? new MemoryWatermarkService(data, logger);
            const resumeTokens =
                broken.resumeTokens?.(data, tokenOptions) ?? new MemoryResumeTokenService(data, tokenOptions);
            const close = async () => {
                await Promise.all([watermarks.close(), resumeTokens.close()]);
            };
            return { watermarks, resumeTokens, close };
        }
    });
}

/** A moment in which other calls go on. */
export function aMoment(ms = 0): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, ms));
}
