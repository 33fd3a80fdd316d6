import { WatermarkError, WatermarkErrorCode } from './errors.js';
import type { LexiVersion } from './lexi-version.js';
import type { AssignedChange } from './resume-tokens.js';

/** Options of `assignWatermarks`. */
export interface AssignOptions<T> {
    /** The upstream's position right after a change. */
    readonly resumeTokenOf: (change: T) => string;
    /**
     * How many changes may have been taken from the source and not been handed out.
     *
     * @default 1_000
     */
    readonly maxInFlight?: number;
    /** Ends the iteration, without an error, when it aborts. */
    readonly signal?: AbortSignal;
}

type Step<T> = { readonly change: T; readonly watermark: Promise<LexiVersion> } | { readonly error: unknown } | 'done';

/** Takes changes from a source, asks for their watermarks at once, and hands them out in order. */
export async function* assignInOrder<T>(
    changes: AsyncIterable<T>,
    watermarkOf: (resumeToken: string) => Promise<LexiVersion>,
    { resumeTokenOf, maxInFlight = 1_000, signal }: AssignOptions<T>
): AsyncGenerator<AssignedChange<T>, void, undefined> {
    if (!Number.isSafeInteger(maxInFlight) || maxInFlight < 1) {
        throw new WatermarkError(
            WatermarkErrorCode.INVALID_ARGUMENT,
            `maxInFlight must be a positive whole number, not ${String(maxInFlight)}.`
        );
    }
    const source = changes[Symbol.asyncIterator]();
    const steps = new Channel<Step<T>>(maxInFlight);
    const stop = () => steps.close();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) {
        stop();
    }
    const pumping = pump(source, steps, change => watermarkOf(resumeTokenOf(change)));
    try {
        let last: LexiVersion = '';
        for (let step = await steps.take(); step !== undefined && step !== 'done'; step = await steps.take()) {
            if ('error' in step) {
                throw step.error;
            }
            const watermark = await Promise.race([step.watermark, steps.whenClosed]);
            if (watermark === undefined) {
                return;
            }
            if (watermark <= last) {
                throw outOfOrder(watermark, last);
            }
            last = watermark;
            yield { change: step.change, watermark };
        }
    } finally {
        signal?.removeEventListener('abort', stop);
        steps.close();
        // A source that waits for its next change must be told, and may not answer before that change comes.
        void Promise.resolve(source.return?.()).catch(() => {});
        void pumping;
    }
}

async function pump<T>(
    source: AsyncIterator<T>,
    steps: Channel<Step<T>>,
    watermarkOf: (change: T) => Promise<LexiVersion>
): Promise<void> {
    try {
        while (await steps.room()) {
            const next = await source.next();
            if (steps.closed) {
                return;
            }
            if (next.done === true) {
                steps.put('done');
                return;
            }
            const watermark = watermarkOf(next.value);
            // Handled where it is awaited; a consumer that has stopped must not leave it unhandled.
            watermark.catch(() => {});
            steps.put({ change: next.value, watermark });
        }
    } catch (error) {
        steps.put({ error });
    }
}

/** A queue between one producer and one consumer that holds a limited number of items. */
class Channel<Item> {
    readonly #capacity: number;
    readonly #items: Item[] = [];
    /** Resolves when the channel is closed. */
    readonly whenClosed: Promise<undefined>;
    #resolveClosed: () => void = () => {};
    #closed = false;
    #wakeProducer: (() => void) | undefined;
    #wakeConsumer: (() => void) | undefined;

    constructor(capacity: number) {
        this.#capacity = capacity;
        this.whenClosed = new Promise(resolve => (this.#resolveClosed = () => resolve(undefined)));
    }

    get closed(): boolean {
        return this.#closed;
    }

    /** Resolves with `true` once another item may be put, with `false` when none may be put any more. */
    async room(): Promise<boolean> {
        while (!this.#closed && this.#items.length >= this.#capacity) {
            await new Promise<void>(resolve => (this.#wakeProducer = resolve));
        }
        return !this.#closed;
    }

    put(item: Item): void {
        this.#items.push(item);
        this.#wakeConsumer?.();
    }

    /** The next item, or `undefined` when the channel is closed. */
    async take(): Promise<Item | undefined> {
        while (!this.#closed && this.#items.length === 0) {
            await new Promise<void>(resolve => (this.#wakeConsumer = resolve));
        }
        const item = this.#closed ? undefined : this.#items.shift();
        this.#wakeProducer?.();
        return item;
    }

    close(): void {
        this.#closed = true;
        this.#resolveClosed();
        this.#items.length = 0;
        this.#wakeProducer?.();
        this.#wakeConsumer?.();
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
