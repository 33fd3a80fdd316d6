import { checkCallOptions, checkFunction } from './backend/arguments.js';
import { functionOption, signalOption, wholeNumber } from './backend/option-checks.js';
import { WatermarkError, WatermarkErrorCode } from './errors.js';
import type { LexiVersion } from './lexi-version.js';
import { Line } from './line.js';
import type { AssignedChange } from './resume-tokens.js';

/** Options of `assignWatermarks`. */
export interface AssignOptions<T> {
    /** The upstream's position right after a change. */
    readonly resumeTokenOf: (change: T) => string;
    /**
     * How many changes may have been taken from the source and not been handed out. Not more than so many are handed out in
     * one round trip to the servers, so far from them it limits the rate.
     *
     * @default 1_000
     */
    readonly maxInFlight?: number;
    /** Ends the iteration, without an error, when it aborts. */
    readonly signal?: AbortSignal;
}

/** Who is told of the watermark of a token, or why there is none; at once or later. */
export interface Asker {
    readonly answer: (watermark: LexiVersion) => void;
    readonly fail: (error: unknown) => void;
}

/** What the consumer gets: a change with its watermark; the error, or the end, that comes after all changes. */
type Step<T> = AssignedChange<T> | { readonly error: unknown } | 'done';

const OPTIONS = {
    resumeTokenOf: functionOption,
    maxInFlight: wholeNumber(1, Number.MAX_SAFE_INTEGER),
    signal: signalOption
};

/** Takes changes from a source, asks for their watermarks at once, and hands them out in order. */
export async function* assignInOrder<T>(
    changes: AsyncIterable<T>,
    ask: (resumeToken: string, asker: Asker) => void,
    options: AssignOptions<T>
): AsyncGenerator<AssignedChange<T>, void, undefined> {
    const { maxInFlight = 1_000, signal, resumeTokenOf } = checkCallOptions<AssignOptions<T>>(options, OPTIONS);
    const tokenOf = checkFunction('resumeTokenOf', resumeTokenOf);
    const source = iteratorOf(changes);
    const steps = new Line<Step<T>>(maxInFlight);
    const stop = () => steps.close();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) {
        stop();
    }
    const pumping = pump(source, steps, (change, asker) => ask(tokenOf(change), asker));
    try {
        let last: LexiVersion = '';
        for (;;) {
            const step = steps.take() ?? (await steps.next());
            if (step === undefined || step === 'done') {
                return;
            }
            if ('error' in step) {
                throw step.error;
            }
            if (step.watermark <= last) {
                throw outOfOrder(step.watermark, last);
            }
            last = step.watermark;
            yield step;
        }
    } finally {
        signal?.removeEventListener('abort', stop);
        steps.close();
        // A source that waits for its next change must be told, and may not answer before that change comes.
        void Promise.resolve(source.return?.()).catch(() => {});
        void pumping;
    }
}

function iteratorOf<T>(changes: AsyncIterable<T>): AsyncIterator<T> {
    if (typeof changes === 'object' && changes !== null && Symbol.asyncIterator in changes) {
        return changes[Symbol.asyncIterator]();
    }
    throw new WatermarkError(
        WatermarkErrorCode.INVALID_ARGUMENT,
        `changes must be something to iterate over asynchronously, not a value of type ${typeof changes}.`
    );
}

async function pump<T>(
    source: AsyncIterator<T>,
    steps: Line<Step<T>>,
    ask: (change: T, asker: Asker) => void
): Promise<void> {
    try {
        while (steps.hasRoom || (await steps.room())) {
            const next = await source.next();
            if (steps.closed) {
                return;
            }
            if (next.done === true) {
                steps.settle(steps.join(), 'done');
                return;
            }
            const { value: change } = next;
            const place = steps.join();
            const fail = (error: unknown) => steps.settle(place, { error });
            try {
                ask(change, { fail, answer: watermark => steps.settle(place, { change, watermark }) });
            } catch (error) {
                fail(error);
            }
        }
    } catch (error) {
        steps.settle(steps.join(), { error });
    }
}

function outOfOrder(watermark: LexiVersion, last: LexiVersion): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.OUT_OF_ORDER,
        `A change would get the watermark ${watermark} after one with ${last}; zero-cache would drop it without a word.`,
        {
            remediation:
                'Make sure that each change has a resume token of its own and that they come in upstream order.'
        }
    );
}
