import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import type { Answer, Call, Operation } from './history.js';

/**
 * How old the answer of a leader may be that was deposed and does not know it: nats-server 2.10.27 and 2.15 look
 * every 10 seconds whether they have lost the majority, which they have when nothing was heard for 10 seconds
 * (`server/raft.go`, `lostQuorumCheckIntervalDefault`, `lostQuorumIntervalDefault`); and some time for a slow machine.
 */
export const MAX_STALENESS_MS = 25_000;

/**
 * What became of a call: `done`, with its answer; `refused`, so that it must have had no effect; or `unknown`, so that it
 * may have one, once, at any time after it began.
 */
export type Outcome = 'done' | 'refused' | 'unknown';

export function outcomeOf({ answer, error }: Operation): Outcome {
    if (answer !== undefined) {
        return 'done';
    }
    const isPlain = error !== undefined && 'code' in error && error.code !== WatermarkErrorCode.OUTCOME_UNKNOWN;
    return isPlain ? 'refused' : 'unknown';
}

/** When a call had ended, if its answer is known; what ended in doubt or not at all may still have its effect. */
export function endOf(operation: Operation): number {
    return outcomeOf(operation) === 'unknown' ? Infinity : (operation.endMs ?? Infinity);
}

/** An answer of the kind that the call must have; anything else was recorded wrongly. */
export function answerOf<Kind extends Answer['kind']>(
    operation: Operation,
    ...kinds: readonly Kind[]
): Extract<Answer, { kind: Kind }> | undefined {
    const { answer, call, endMs } = operation;
    if (answer === undefined) {
        return undefined;
    }
    if (!isOneOf(answer, kinds) || endMs === undefined) {
        throw new RangeError(
            `The call ${JSON.stringify(call)} was recorded with the answer ${JSON.stringify(answer)} ` +
                `at ${endMs ?? 'no'} ms; expected one of: ${kinds.join(', ')}.`
        );
    }
    return answer;
}

function isOneOf<Kind extends Answer['kind']>(
    answer: Answer,
    kinds: readonly Kind[]
): answer is Extract<Answer, { kind: Kind }> {
    return kinds.some(kind => kind === answer.kind);
}

export type CallOf<Kind extends Call['kind']> = Extract<Call, { kind: Kind }>;
