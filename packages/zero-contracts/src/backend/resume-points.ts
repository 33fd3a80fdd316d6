import { quoted } from '../quoted.js';
import type { ResumePoint } from '../resume-tokens.js';

/** The shard never gave out this watermark. `shard` names it: `Shard "app-0"`. */
export function unknownWatermark(shard: string, watermark: string, because: string): ResumePoint {
    return {
        kind: 'reset-required',
        reason: 'unknown',
        message: `${shard} never gave out the watermark ${quoted(watermark)}: ${because}. A new initial sync is needed.`
    };
}

/** The watermark is not of the form that stores make, and was not imported, or no longer is there. */
export function foreignWatermark(shard: string, watermark: string): ResumePoint {
    return unknownWatermark(shard, watermark, 'this store makes no such watermarks, and has not imported it');
}

/** The watermark is older than what is kept. `madeAnew` says what may also have happened: `the bucket was made anew`. */
export function pruned(shard: string, watermark: string, madeAnew: string): ResumePoint {
    return {
        kind: 'reset-required',
        reason: 'pruned',
        message:
            `${shard} no longer has the resume token of ${quoted(watermark)}: it is older than what is kept ` +
            `(retainTokens, retainMs), or ${madeAnew}. A new initial sync is needed.`
    };
}

/** The store lost history that it had given out. `lost` says who did: `the NATS servers lost history`. */
export function aheadOfHead(shard: string, watermark: string, lost: string): ResumePoint {
    return {
        kind: 'reset-required',
        reason: 'ahead-of-head',
        message:
            `${shard} had given out ${quoted(watermark)}, and no longer has it: ${lost}. ` +
            'The shard goes on above all watermarks that it ever gave; a new initial sync is needed.'
    };
}
