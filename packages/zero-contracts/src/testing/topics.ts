import type { Topic } from './promise.js';
import { abandoning } from './resume-tokens/abandon.js';
import { assigning } from './resume-tokens/assign.js';
import { exporting } from './resume-tokens/export.js';
import { headAndSync } from './resume-tokens/head-and-sync.js';
import { importing } from './resume-tokens/import.js';
import { lifetime as lifetimeOfResumeTokens } from './resume-tokens/lifetime.js';
import { lostHistory } from './resume-tokens/lost-history.js';
import { oneWatermark } from './resume-tokens/one-watermark.js';
import { refusedImports } from './resume-tokens/refused-imports.js';
import { resuming } from './resume-tokens/resume.js';
import { retention } from './resume-tokens/retention.js';
import { shards } from './resume-tokens/shards.js';
import { tokenOrder } from './resume-tokens/token-order.js';
import { unfinishedImports } from './resume-tokens/unfinished-imports.js';
import { advancing } from './watermarks/advance.js';
import { clearing } from './watermarks/clear.js';
import { comparing } from './watermarks/compare-and-set.js';
import { creating } from './watermarks/create.js';
import { deleting } from './watermarks/delete.js';
import { foreignRecords } from './watermarks/foreign-records.js';
import { getAndSet } from './watermarks/get-and-set.js';
import { histories } from './watermarks/history.js';
import { keys } from './watermarks/keys.js';
import { lifetime } from './watermarks/lifetime.js';
import { many } from './watermarks/many.js';
import { merging } from './watermarks/merging.js';
import { movingWatermarks } from './watermarks/moving.js';
import { refusals } from './watermarks/refusals.js';
import { values } from './watermarks/values.js';
import { viewLifetime } from './watermarks/view-lifetime.js';
import { viewing } from './watermarks/view.js';
import { watchingAll } from './watermarks/watch-all.js';
import { watchFailures } from './watermarks/watch-failures.js';
import { watching } from './watermarks/watch.js';

/** Every promise, by what it is about. */
export const topics: readonly Topic[] = [
    getAndSet,
    merging,
    values,
    keys,
    refusals,
    deleting,
    clearing,
    many,
    creating,
    comparing,
    advancing,
    histories,
    watching,
    watchFailures,
    watchingAll,
    viewing,
    viewLifetime,
    foreignRecords,
    movingWatermarks,
    lifetime,
    oneWatermark,
    shards,
    resuming,
    headAndSync,
    retention,
    abandoning,
    lostHistory,
    tokenOrder,
    assigning,
    exporting,
    importing,
    refusedImports,
    unfinishedImports,
    lifetimeOfResumeTokens
];
