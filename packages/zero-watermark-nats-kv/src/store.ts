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
    ResumePoint,
    ShardHead,
    Watermark,
    WatermarkEvent,
    WatchAllOptions,
    WatchOptions
} from '@cbnsndwch/zero-contracts';
export type {
    MaybeUndefined,
    NatsClientOptions,
    NatsKvBucketConfig,
    NatsKvConfig,
    NatsKvConnectionConfig,
    NatsKvOptions,
    WatermarkLogger
} from './options.js';
export { openWatermarkStore } from './watermark-store.js';
export type { WatermarkStore } from './watermark-store.js';
