/**
 * For those who write a backend: what every store needs, whatever it keeps its records in.
 *
 * Pure functions and small classes; no I/O, and of Node only its hash and its timers. Applications need none of it.
 *
 * @module
 */
export { assignInOrder } from './assign-watermarks.js';
export type { Asker } from './assign-watermarks.js';
export { Acknowledgements } from './backend/acknowledgements.js';
export type { AcknowledgementsOptions } from './backend/acknowledgements.js';
export {
    checkCallOptions,
    checkExpectedRevision,
    checkFunction,
    checkKey,
    checkList,
    checkResumeToken,
    checkShardId
} from './backend/arguments.js';
export type { CallOptionChecks } from './backend/arguments.js';
export { CallsUnderWay } from './backend/calls-under-way.js';
export { microsecondsAfter } from './backend/clock.js';
export { backOff, Deadline } from './backend/deadline.js';
export type { BackOffOptions } from './backend/deadline.js';
export { closedError, historyLost, notAfterHead, notSentBehind } from './backend/failures.js';
export { checkPlace, checkSamePair, importUnfinished, notReadBack } from './transfer/import-failures.js';
export { EventQueue } from './backend/event-queue.js';
export {
    booleanOption,
    consoleLogger,
    findOptionProblems,
    flagOption,
    functionOption,
    loggerOption,
    oneOf,
    showValue,
    signalOption,
    textOption,
    wholeNumber
} from './backend/option-checks.js';
export type { OptionCheck, OptionChecks } from './backend/option-checks.js';
export { inStringOrder } from './backend/order.js';
export { checkAdvanceOptions, checkWatchAllOptions, checkWatchOptions } from './backend/service-options.js';
export { decodeRecord, encodeRecord } from './backend/record-codec.js';
export type { DecodedRecord, RecordContent } from './backend/record-codec.js';
export { aheadOfHead, foreignWatermark, pruned, unknownWatermark } from './backend/resume-points.js';
export { majorOf } from './lexi-version.js';
export { quoted } from './quoted.js';
export { Retention } from './backend/retention.js';
export type { RetentionOptions } from './backend/retention.js';
export { runSafely } from './backend/run-safely.js';
export { refuseSecondStore, storeProviders } from './backend/store-providers.js';
export type { StoreProvider } from './backend/store-providers.js';
export { Views } from './backend/views.js';
export type { ViewFollower, ViewSource } from './backend/live-view.js';
export {
    checkLastWatermark,
    checkOf,
    checkWatermark,
    positionOf,
    tokenEntry,
    watermarkOf
} from './backend/token-watermark.js';
export type { TokenEntry, TokenPosition } from './backend/token-watermark.js';
export { exportPairs, exportTokens, importPairs } from './transfer/token-transfer.js';
export type {
    AddedPairs,
    ExportSource,
    ImportedPair,
    ImportTarget,
    ShardPair,
    TokenPair
} from './transfer/token-transfer.js';
