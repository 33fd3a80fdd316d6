import { setTimeout as wait } from 'node:timers/promises';
import type { JetStreamClient } from '@nats-io/jetstream';

import type { QuakeEvent } from './feed.js';
import { keyOf } from './layout.js';
import { paced } from './pace.js';

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
    for await (const event of paced(events, ({ time }) => time, durationMs, signal)) {
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
