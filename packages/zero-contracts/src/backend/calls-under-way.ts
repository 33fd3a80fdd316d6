import { closedError } from './failures.js';

/** How long `close()` lets calls finish that are under way. */
const CLOSE_GRACE_MS = 5_000;

/** The calls of a service that have no answer yet, so that closing can wait for them. */
export class CallsUnderWay {
    readonly #calls = new Set<Promise<unknown>>();
    #closed = false;

    get closed(): boolean {
        return this.#closed;
    }

    /**
     * Runs one call of the API; whatever it throws becomes a rejection.
     *
     * @throws {WatermarkError} `CLOSED` once {@link close} was called
     */
    async run<T>(call: () => Promise<T>): Promise<T> {
        if (this.#closed) {
            throw closedError();
        }
        const result = call();
        this.#calls.add(result);
        try {
            return await result;
        } finally {
            this.#calls.delete(result);
        }
    }

    /** Refuses further calls, and waits for those under way, for up to five seconds. */
    async close(): Promise<void> {
        this.#closed = true;
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>(resolve => (timer = setTimeout(resolve, CLOSE_GRACE_MS)));
        await Promise.race([Promise.allSettled(this.#calls), late]);
        clearTimeout(timer);
    }
}
