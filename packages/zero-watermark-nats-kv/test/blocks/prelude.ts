/**
 * The names that blocks use without importing them, as the text around them introduced them.
 *
 * The scene gives the same names their values when the blocks run.
 */
export const PRELUDE = `
import type * as api from '@cbnsndwch/zero-watermark-nats-kv';
import type * as nest from '@nestjs/common';

declare global {
    const watermarkService: api.WatermarkService;
    const watermarks: api.WatermarkService;
    const resumeTokens: api.ResumeTokenService;
    const ZeroWatermarkNatsKvModule: typeof api.ZeroWatermarkNatsKvModule;
    const WatermarkService: typeof api.WatermarkService;
    type WatermarkService = api.WatermarkService;
    const Injectable: typeof nest.Injectable;
}
`;
