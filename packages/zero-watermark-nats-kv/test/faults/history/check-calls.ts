import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import { MARGIN_MS } from '../../support/outcomes.js';
import type { Call, Operation } from './history.js';
import type { Finding } from './violation.js';

const { UNAVAILABLE, CLOSED, OUTCOME_UNKNOWN, REVISION_CONFLICT, HISTORY_LOST } = WatermarkErrorCode;

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
    history: OF_READS,
    provision: OF_READS,
    watermark: OF_WRITES,
    watermarks: OF_WRITES,
    tokenOf: OF_READS,
    resume: OF_READS,
    beginSync: OF_WRITES,
    acknowledge: OF_READS,
    head: OF_READS
};

/** The first promise about errors and time that a single call breaks. */
export function checkCall({ call, error, startMs, endMs }: Operation, timeoutMs: number): Finding | undefined {
    const about = call.kind;
    if (error !== undefined && 'unexpected' in error) {
        return { kind: 'unexpected-error', about, explanation: error.unexpected };
    }
    if (error?.code === HISTORY_LOST) {
        return { kind: 'history-lost', about, explanation: `${call.kind} failed with ${error.code}.` };
    }
    const allowed = ALLOWED_CODES[call.kind];
    if (error !== undefined && !allowed.includes(error.code)) {
        const explanation = `${call.kind} failed with ${error.code}; allowed: ${allowed.join(', ')}.`;
        return { kind: 'wrong-code', about, explanation };
    }
    const tookMs = (endMs ?? startMs) - startMs;
    if (tookMs > timeoutMs + MARGIN_MS) {
        const explanation = `${call.kind} took ${Math.round(tookMs)} ms; timeoutMs is ${timeoutMs}, and the margin ${MARGIN_MS}.`;
        return { kind: 'too-long', about, explanation };
    }
    return undefined;
}
