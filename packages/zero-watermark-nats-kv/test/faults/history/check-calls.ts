import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import { MARGIN_MS } from '../../support/outcomes.js';
import { CODES_OF_SHARDS } from './check-shard-codes.js';
import type { Call, Operation } from './history.js';
import type { Finding } from './violation.js';

const { UNAVAILABLE, CLOSED, OUTCOME_UNKNOWN, REVISION_CONFLICT, HISTORY_LOST, IMPORT_CONFLICT } = WatermarkErrorCode;

/** What a fault may make of a call that only asks. */
const OF_READS: readonly WatermarkErrorCode[] = [UNAVAILABLE, CLOSED];
const OF_WRITES: readonly WatermarkErrorCode[] = [...OF_READS, OUTCOME_UNKNOWN];
const OF_CONDITIONAL_WRITES: readonly WatermarkErrorCode[] = [...OF_WRITES, REVISION_CONFLICT];

/** With which codes a call may fail whose arguments and permissions are right, while servers and connections fail. */
const ALLOWED_CODES: Readonly<Record<Call['kind'], readonly WatermarkErrorCode[]>> = {
    set: OF_WRITES,
    create: OF_CONDITIONAL_WRITES,
    compareAndSet: OF_CONDITIONAL_WRITES,
    advance: OF_WRITES,
    delete: OF_WRITES,
    clear: OF_WRITES,
    get: OF_READS,
    getMany: OF_READS,
    getAll: OF_READS,
    view: OF_READS,
    exportKeys: OF_READS,
    // Somebody may have removed what was stored before it was read back.
    importKeys: [...OF_WRITES, IMPORT_CONFLICT],
    history: OF_READS,
    provision: OF_READS,
    watermark: OF_WRITES,
    watermarks: OF_WRITES,
    tokenOf: OF_READS,
    resume: OF_READS,
    beginSync: OF_WRITES,
    acknowledge: OF_READS,
    head: OF_READS,
    abandon: OF_WRITES,
    clearShards: OF_WRITES,
    export: OF_READS,
    import: OF_WRITES
};

/**
 * How many times `timeoutMs` a call may take: one that concerns several shards for each of them, an export and an import
 * for each page of pairs, a removal of all keys for reading and removing.
 */
function timesOf(call: Call): number {
    switch (call.kind) {
        case 'clearShards':
            return 1 + call.shards.length;
        case 'export':
        case 'import':
        case 'exportKeys':
        case 'importKeys':
            return 5;
        case 'clear':
            return 2;
        default:
            return 1;
    }
}

/** The first promise about errors and time that a single call breaks. */
export function checkCall({ call, error, startMs, endMs }: Operation, timeoutMs: number): Finding | undefined {
    const about = call.kind;
    if (error !== undefined && 'unexpected' in error) {
        return { kind: 'unexpected-error', about, explanation: error.unexpected };
    }
    // Codes that depend on what else is done to a shard are looked at together with that.
    const isOfShard = 'shard' in call && error !== undefined && CODES_OF_SHARDS.includes(error.code);
    if (error?.code === HISTORY_LOST && !isOfShard) {
        return { kind: 'history-lost', about, explanation: `${call.kind} failed with ${error.code}.` };
    }
    const allowed = ALLOWED_CODES[call.kind];
    if (error !== undefined && !isOfShard && !allowed.includes(error.code)) {
        const explanation = `${call.kind} failed with ${error.code}; allowed: ${allowed.join(', ')}.`;
        return { kind: 'wrong-code', about, explanation };
    }
    const tookMs = (endMs ?? startMs) - startMs;
    const limitMs = timesOf(call) * timeoutMs;
    if (tookMs > limitMs + MARGIN_MS) {
        const explanation = `${call.kind} took ${Math.round(tookMs)} ms; it has ${limitMs}, and the margin ${MARGIN_MS}.`;
        return { kind: 'too-long', about, explanation };
    }
    return undefined;
}
