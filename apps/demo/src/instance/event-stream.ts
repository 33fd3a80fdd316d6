import type { QuakeEvent } from '../feed.js';

/** The upstream: earthquakes, each with its sequence in the stream. Contract and injection token. */
export abstract class EventStream {
    /**
     * Hands over the events of a network that come after a sequence, in order and each once, until the signal aborts.
     */
    abstract follow(
        network: string,
        after: number,
        handle: (event: QuakeEvent, sequence: number) => void,
        signal: AbortSignal
    ): Promise<void>;
}
