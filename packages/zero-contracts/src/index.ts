export {
    CorruptRecordError,
    InvalidOptionsError,
    isWatermarkError,
    RevisionConflictError,
    WatermarkError,
    WatermarkErrorCode
} from './errors.js';
export type { WatermarkErrorOptions } from './errors.js';
export {
    compareLexiVersions,
    isLexiVersion,
    maxLexiVersion,
    minLexiVersion,
    oneAfter,
    versionFromLexi,
    versionToLexi
} from './lexi-version.js';
export type { LexiVersion } from './lexi-version.js';
export { WatermarkService } from './watermark.js';
export type {
    AdvanceOptions,
    AdvanceResult,
    Watermark,
    WatermarkEvent,
    WatchAllOptions,
    WatchOptions
} from './watermark.js';
