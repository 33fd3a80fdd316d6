export {
    CorruptRecordError,
    ExistingWatermarks,
    getResumeTokenServiceToken,
    getWatermarkServiceToken,
    ImportError,
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
    ExistingProblem,
    ExistingStoreHandle,
    ExistingWatermarksOptions,
    ExportExistingOptions,
    ExportLines,
    ExportResumeTokensOptions,
    ImportProblem,
    ImportResumeTokensReport,
    ImportWatermarksOptions,
    ImportWatermarksReport,
    IWatermarkService,
    LexiVersion,
    MaybeUndefined,
    ResumePoint,
    ShardHead,
    ViewEvents,
    ViewOptions,
    ViewStatus,
    Watermark,
    WatermarkChange,
    WatermarkEvent,
    WatermarkLogger,
    WatermarkStore,
    WatermarkView,
    WatchAllOptions,
    WatchOptions
} from '@cbnsndwch/zero-contracts';
export type {
    NatsClientOptions,
    NatsKvBucketConfig,
    NatsKvConfig,
    NatsKvConnectionConfig,
    NatsKvOptions
} from './options.js';
export { openExistingStore } from './existing-store.js';
export { openWatermarkStore } from './watermark-store.js';
