import { setTimeout as wait } from 'node:timers/promises';
import type { JetStreamClient } from '@nats-io/jetstream';

import type { QuakeStream } from '../backdrop.js';
import type { QuakeEvent } from '../feed.js';
import { keyOf } from '../layout.js';
import { STREAM } from './names.js';

/** How long the server may take for an answer before the event is sent again. */
const ACK_MS = 500;

/** Publishes to a JetStream stream. */
export class JetStreamQuakes implements QuakeStream {
    readonly #client: JetStreamClient;

    constructor(client: JetStreamClient) {
        this.#client = client;
    }

    /** An event that was not acknowledged is sent again under its own id, which the server stores once. */
    async publish(event: QuakeEvent, signal: AbortSignal): Promise<number> {
        const payload = JSON.stringify(event);
        for (;;) {
            signal.throwIfAborted();
            try {
                const options = { msgID: event.id, timeout: ACK_MS };
                const { seq } = await this.#client.publish(keyOf(event.network), payload, options);
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

    async count(): Promise<number> {
        const manager = await this.#client.jetstreamManager();
        return (await manager.streams.info(STREAM)).state.messages;
    }
}
