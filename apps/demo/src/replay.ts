import { setTimeout as wait } from 'node:timers/promises';
import type { JetStreamClient } from '@nats-io/jetstream';

import type { QuakeEvent } from './feed.js';
import { keyOf } from './layout.js';

/** How long the server may take for an answer before the event is sent again. */
const ACK_MS = 500;

/** An event that the stream has. */
export interface Published {
    readonly event: QuakeEvent;
    /** Its sequence in the stream. */
    readonly sequence: number;
}

/**
 * Publishes events in their order, at the pace at which they happened, made faster so that all take `durationMs`.
 *
 * An event that was not acknowledged is sent again under its own id, which the server stores once.
 */
export async function* replay(
    events: readonly QuakeEvent[],
    stream: JetStreamClient,
    durationMs: number,
    signal: AbortSignal
): AsyncGenerator<Published> {
    const first = events[0]?.time ?? 0;
    const span = Math.max(1, (events.at(-1)?.time ?? 0) - first);
    const began = performance.now();
    for (const event of events) {
        const due = began + ((event.time - first) / span) * durationMs;
        const early = due - performance.now();
        if (early > 4) {
            await wait(early, undefined, { signal });
        }
        yield { event, sequence: await publish(event, stream, signal) };
    }
}

async function publish(event: QuakeEvent, stream: JetStreamClient, signal: AbortSignal): Promise<number> {
    const payload = JSON.stringify(event);
    for (;;) {
        signal.throwIfAborted();
        try {
            const { seq } = await stream.publish(keyOf(event.network), payload, { msgID: event.id, timeout: ACK_MS });
            // Some servers acknowledge a repetition without a sequence while the first one is still in doubt.
            if (seq > 0) {
                return seq;
            }
        } catch {
            // No server or no leader at the moment.
        }
        await wait(50, undefined, { signal });
    }
}
