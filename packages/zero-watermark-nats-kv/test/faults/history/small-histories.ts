import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import fc from 'fast-check';

import type { Answer, Call, Operation, State } from './history.js';
import { recorded } from './recorded.js';

const value = fc.constantFrom('v1', 'v2', 'v3');
const revision = fc.integer({ min: 1, max: 4 });
const state: fc.Arbitrary<State> = fc.record({ value, revision });

type Ending = Pick<Operation, 'answer' | 'error'>;

function answered(answer: fc.Arbitrary<Answer>): fc.Arbitrary<Ending> {
    return answer.map(each => ({ answer: each }));
}

const unknown: fc.Arbitrary<Ending> = fc.constantFrom({ error: { code: WatermarkErrorCode.OUTCOME_UNKNOWN } }, {});
const unavailable: fc.Arbitrary<Ending> = fc.constant({ error: { code: WatermarkErrorCode.UNAVAILABLE } });
const conflict: fc.Arbitrary<Ending> = fc.constant({ error: { code: WatermarkErrorCode.REVISION_CONFLICT } });
const done = answered(fc.constant({ kind: 'done' }));
const revised = answered(revision.map(number => ({ kind: 'revision', revision: number })));
const advanced = answered(
    fc.oneof(
        revision.map(number => ({ kind: 'advanced' as const, revision: number })),
        state.map(current => ({ kind: 'notAdvanced' as const, current }))
    )
);

function call(
    of: fc.Arbitrary<Call>,
    ...endings: readonly fc.Arbitrary<Ending>[]
): fc.Arbitrary<readonly [Call, Ending]> {
    return fc.tuple(of, fc.oneof(...endings));
}

const key = 'k';
const calls = fc.oneof(
    call(
        value.map(each => ({ kind: 'set', key, value: each })),
        done,
        done,
        unknown
    ),
    call(fc.constant({ kind: 'delete', key }), done, done, unknown),
    call(fc.constant({ kind: 'clear' }), done, done, unavailable, unknown),
    call(
        value.map(each => ({ kind: 'create', key, value: each })),
        revised,
        revised,
        conflict,
        unknown
    ),
    call(
        fc
            .tuple(value, revision)
            .map(([each, expectedRevision]) => ({ kind: 'compareAndSet', key, value: each, expectedRevision })),
        ...[revised, revised, conflict, unknown]
    ),
    call(
        value.map(each => ({ kind: 'advance', key, value: each })),
        advanced,
        advanced,
        unknown
    ),
    call(fc.constant({ kind: 'get', key }), answered(fc.option(state).map(each => ({ kind: 'state', state: each }))))
);

/** Calls of one key that ended in any way, right or wrong. */
export const smallHistories = fc
    .tuple(fc.array(fc.tuple(calls, fc.nat(9), fc.nat(6)), { maxLength: 5 }), fc.option(state, { nil: undefined }))
    .map(([all, final]) => {
        const operations = all.map(([[asked, ending], startMs, tookMs], index): Operation => {
            const begun = { client: String(index), call: asked, startMs };
            const hasEnd = ending.answer !== undefined || ending.error !== undefined;
            return hasEnd ? { ...begun, endMs: startMs + tookMs + 0.5, ...ending } : begun;
        });
        return recorded(
            operations.filter(operation => expectsWhatWasSeen(operation, operations)),
            final === undefined ? {} : { finalStates: { [key]: final } }
        );
    });

/** Whoever expects a revision has seen it. */
export function expectsWhatWasSeen({ call, answer }: Operation, operations: readonly Operation[]): boolean {
    return (
        call.kind !== 'compareAndSet' ||
        answer !== undefined ||
        operations.some(
            other =>
                other.answer !== undefined &&
                JSON.stringify(other.answer).includes(`"revision":${call.expectedRevision}`)
        )
    );
}
