import type { QuakeStream } from './backdrop.js';
import type { QuakeEvent } from './feed.js';
import { paced } from './pace.js';

/** An event that the stream has. */
export interface Published {
    readonly event: QuakeEvent;
    /** Its sequence in the stream. */
    readonly sequence: number;
}

/** Publishes events in their order, at the pace at which they happened, made faster so that all take `durationMs`. */
export async function* replay(
    events: readonly QuakeEvent[],
    stream: QuakeStream,
    durationMs: number,
    signal: AbortSignal
): AsyncGenerator<Published> {
    for await (const event of paced(events, ({ time }) => time, durationMs, signal)) {
        yield { event, sequence: await stream.publish(event, signal) };
    }
}
