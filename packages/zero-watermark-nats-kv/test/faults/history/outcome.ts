import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import type { Answer, Call, Operation } from './history.js';

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
