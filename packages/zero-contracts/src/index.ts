export {
    CorruptRecordError,
    ImportError,
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
export { PassthroughWatermarkService, ResumeTokenService, TOKEN_WATERMARK_SERVICE } from './resume-tokens.js';
export type {
    AssignedChange,
    ExportResumeTokensOptions,
    IWatermarkService,
    ResumePoint,
    ShardHead
} from './resume-tokens.js';
export type { AssignOptions } from './assign-watermarks.js';
export type { ViewEvents, ViewOptions, ViewStatus, WatermarkView } from './view.js';
export { WatermarkService } from './watermark.js';
export type {
    AdvanceOptions,
    AdvanceResult,
    Watermark,
    WatermarkChange,
    WatermarkEvent,
    WatchAllOptions,
    WatchOptions
} from './watermark.js';
export { ExistingWatermarks } from './transfer/existing-watermarks.js';
export type { ExistingWatermarksOptions, ExportExistingOptions } from './transfer/existing-watermarks.js';
export type { ExistingEntry, ExistingProblem, ExistingStore } from './transfer/existing-layout.js';
export type { ExportLines } from './transfer/lines.js';
export type { ImportResumeTokensReport } from './transfer/token-transfer.js';
export type { ImportProblem, ImportWatermarksOptions, ImportWatermarksReport } from './transfer/watermark-transfer.js';
export type { ExistingStoreHandle, MaybeUndefined, WatermarkLogger, WatermarkStore } from './store.js';
export { getResumeTokenServiceToken, getWatermarkServiceToken } from './store-tokens.js';
