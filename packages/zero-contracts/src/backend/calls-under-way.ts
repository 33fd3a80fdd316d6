import { closedError } from './failures.js';

/** How long `close()` lets calls finish that are under way. */
const CLOSE_GRACE_MS = 5_000;

/** The calls of a service that have no answer yet, so that closing can wait for them. */
export class CallsUnderWay {
    #count = 0;
    #closing: Promise<void> | undefined;
    #onLast: () => void = () => {};
    /** Counts a call as answered. */
    readonly end = () => {
        this.#count -= 1;
        if (this.#count === 0) {
            this.#onLast();
        }
    };

    get closed(): boolean {
        return this.#closing !== undefined;
    }

    /**
     * Runs one call of the API; whatever it throws becomes a rejection.
     *
     * @throws {WatermarkError} `CLOSED` once {@link close} was called
     */
    run<T>(call: () => Promise<T>): Promise<T> {
        if (this.closed) {
            return Promise.reject(closedError());
        }
        this.#count += 1;
        const answer = answerOf(call);
        // Two functions for all calls: an async function, or closures, would cost more than a quick call itself.
        void answer.then(this.end, this.end);
        return answer;
    }

    /**
     * Counts a call that is answered without a promise, until {@link end}.
     *
     * @throws {WatermarkError} `CLOSED` once {@link close} was called
     */
    begin(): void {
        if (this.closed) {
            throw closedError();
        }
        this.#count += 1;
    }

    /** Refuses further calls, and waits for those under way, for up to five seconds. */
    close(): Promise<void> {
        this.#closing ??= this.#waitForLast();
        return this.#closing;
    }

    async #waitForLast(): Promise<void> {
        if (this.#count === 0) {
            return;
        }
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>(resolve => {
            this.#onLast = resolve;
            timer = setTimeout(resolve, CLOSE_GRACE_MS);
        });
        clearTimeout(timer);
    }
}

function answerOf<T>(call: () => Promise<T>): Promise<T> {
    try {
        return call();
    } catch (error) {
        return Promise.reject(error);
    }
}
