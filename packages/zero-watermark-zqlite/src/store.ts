export {
    CorruptRecordError,
    InvalidOptionsError,
    isWatermarkError,
    PassthroughWatermarkService,
    ResumeTokenService,
    RevisionConflictError,
    TOKEN_WATERMARK_SERVICE,
    versionFromLexi,
    versionToLexi,
    WatermarkError,
    WatermarkErrorCode,
    WatermarkService
} from '@cbnsndwch/zero-contracts';
export type {
    AdvanceOptions,
    AdvanceResult,
    AssignedChange,
    AssignOptions,
    IWatermarkService,
    LexiVersion,
    MaybeUndefined,
    ResumePoint,
    ShardHead,
    Watermark,
    WatermarkEvent,
    WatermarkLogger,
    WatermarkStore,
    WatchAllOptions,
    WatchOptions
} from '@cbnsndwch/zero-contracts';
export type { Synchronous, ZqliteOptions } from './options.js';
export { openWatermarkStore } from './watermark-store.js';
