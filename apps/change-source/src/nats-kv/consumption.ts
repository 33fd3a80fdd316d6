import {
    AckPolicy,
    type ConsumerConfig,
    type JetStreamClient,
    type JetStreamManager,
    type JsMsg
} from '@nats-io/jetstream';
import { nanos, nuid } from '@nats-io/transport-node';

import type { PublishRefusals } from './permissions.js';

const HEARTBEAT_MS = 1_000;

/** Silence after which the server that holds the consumer is taken for gone. */
const SILENCE_MS = 3.5 * HEARTBEAT_MS;

/** What tells that there is nothing more to expect. */
const LAST_SIGNS = new Set(['consumer_not_found', 'consumer_deleted', 'stream_not_found', 'no_responders']);

/** What the client tells of its own doing; all other signs come from a server. */
const OWN_SIGNS = new Set(['next', 'debug', 'heartbeats_missed']);

/**
 * The messages of one consumer on the server, in order, until one is missing or the signal aborts.
 *
 * The client's own watch is not enough: it ends when the connection breaks, and after that the client asks for the old
 * consumer until the server that held it is back, which may be never. Another server can hold a new one at once.
 *
 * @throws {NotPermittedError} when its messages may not be asked for
 * @throws when the consumer can't be made, or nothing is heard of it any more
 */
export async function* consume(
    js: JetStreamClient,
    manager: JetStreamManager,
    stream: string,
    config: Partial<ConsumerConfig>,
    refusals: PublishRefusals,
    signal: AbortSignal
): AsyncGenerator<JsMsg, void, undefined> {
    const info = await manager.consumers.add(stream, {
        // With a name, the subject of the request says what is to be read, so that a permission can.
        name: nuid.next(),
        ack_policy: AckPolicy.None,
        inactive_threshold: nanos(30_000),
        mem_storage: true,
        num_replicas: 1,
        ...config
    });
    const messages = await js.consumers
        .getConsumerFromInfo(info)
        .consume({ max_messages: 200, expires: 4_000, idle_heartbeat: HEARTBEAT_MS });
    let heardAt = performance.now();
    // A reader that is busy asks for nothing, so there is nothing to be heard.
    let isWaiting = true;
    let failure: Error | undefined;
    const stop = () => messages.stop();
    const fail = (error: Error) => {
        failure ??= error;
        stop();
    };
    const timer = setInterval(() => {
        if (isWaiting && performance.now() - heardAt > SILENCE_MS) {
            fail(new Error(`nothing was heard of the consumer for ${SILENCE_MS} ms`));
        }
    }, HEARTBEAT_MS / 2);
    const listen = async () => {
        for await (const { type } of messages.status()) {
            if (LAST_SIGNS.has(type)) {
                fail(new Error(type));
            } else if (!OWN_SIGNS.has(type)) {
                heardAt = performance.now();
            }
        }
    };
    void listen();
    const unlisten = refusals.listen(refusal => {
        if (refusal.subject.endsWith(`.${info.name}`)) {
            fail(refusal);
        }
    });
    signal.addEventListener('abort', stop, { once: true });
    let delivered = 0;
    try {
        for await (const message of messages) {
            if (signal.aborted || message.info.deliverySequence !== (delivered += 1)) {
                return;
            }
            isWaiting = false;
            yield message;
            heardAt = performance.now();
            isWaiting = true;
        }
        if (failure !== undefined) {
            throw failure;
        }
    } finally {
        clearInterval(timer);
        unlisten();
        signal.removeEventListener('abort', stop);
        stop();
    }
}
