import type { Msg, Subscription } from '@nats-io/transport-node';
import { createInbox, nuid } from '@nats-io/transport-node';

import type { FeedContext } from './feed.js';
import type { StoredHeaders, StoredMessage } from './jetstream-answers.js';
import { CONSUMER_HEARTBEAT_MS, type ConsumerConfig } from './jetstream.js';
import { RequestFailure } from './requester.js';

/** Silence after which a consumer is taken for dead: the server says something each heartbeat. */
const SILENCE_MS = 2.5 * CONSUMER_HEARTBEAT_MS;

const NO_HEADERS: StoredHeaders = new Map<string, string>();

/** What a push consumer tells. */
export interface PushConsumerHandler {
    /** The next message, and how many more there were for it when it was sent. */
    message(message: StoredMessage, pending: number): void;
    /** The server wants a sign that messages are being taken: call `resume` once they are. */
    flowControl(resume: () => void): void;
    /** There was nothing to deliver for a while. */
    idle(): void;
    /** A message is missing, the server went silent, or it does not permit this user to listen; no more will come. */
    lost(): void;
}

/** One consumer on the server: delivers its messages until one is missing or nothing is heard of it any more. */
export class PushConsumer {
    readonly name = nuid.next();
    readonly deliverSubject: string;
    readonly #context: FeedContext;
    readonly #handler: PushConsumerHandler;
    readonly #subscription: Subscription;
    #watchdog: NodeJS.Timeout | undefined;
    #delivered = 0;
    #heardAt = performance.now();
    #stopped = false;
    #isRefused = false;

    constructor(context: FeedContext, handler: PushConsumerHandler) {
        this.#context = context;
        this.#handler = handler;
        this.deliverSubject = createInbox(context.connection.inboxPrefix);
        // Listen first: the server pushes as soon as the consumer is there.
        this.#subscription = context.connection.nc.subscribe(this.deliverSubject, {
            callback: (error, message) => (error === null ? this.#receive(message) : this.#refuse())
        });
    }

    /** Whether it still delivers. */
    get live(): boolean {
        return !this.#stopped;
    }

    /**
     * Makes the consumer on the server.
     *
     * @returns how many messages it has to deliver, as far as the server that hosts it knows
     * @throws {RequestFailure | ApiFailure} as the JetStream API answers; `inbox-refused`: nothing will be delivered
     */
    async create(
        config: Pick<ConsumerConfig, 'filter_subject' | 'deliver_policy' | 'opt_start_seq'>,
        timeoutMs: number
    ): Promise<{ readonly pending: number }> {
        const { bucket, store } = this.#context;
        const identity = { name: this.name, deliver_subject: this.deliverSubject };
        const making = store.js.createConsumer(bucket.stream, { ...identity, ...config }, timeoutMs);
        const [made] = await Promise.allSettled([making]);
        if (this.#isRefused) {
            // Whatever the server says of a consumer that is given up while it is being made.
            throw new RequestFailure('inbox-refused', this.deliverSubject);
        }
        if (made.status === 'rejected') {
            throw made.reason;
        }
        if (!this.#stopped) {
            this.#heardAt = performance.now();
            this.#watchdog = setInterval(() => this.#checkSilence(), CONSUMER_HEARTBEAT_MS / 2);
        }
        return made.value;
    }

    stop(): void {
        if (this.#stopped) {
            return;
        }
        this.#stopped = true;
        clearInterval(this.#watchdog);
        const { connection, bucket, store } = this.#context;
        if (connection.nc.isClosed()) {
            return;
        }
        // Also once the store is closed: the connection may be the application's, and stay.
        this.#subscription.unsubscribe();
        if (connection.connected) {
            // A courtesy: without it, and without permission for it, the server removes the consumer by itself.
            store.js.deleteConsumer(bucket.stream, this.name, 2_000).catch(() => {});
        }
    }

    #receive(message: Msg): void {
        if (this.#stopped) {
            return;
        }
        this.#heardAt = performance.now();
        if (message.headers?.code === 100) {
            this.#receiveControl(message);
            return;
        }
        const delivery = parseDelivery(message.reply);
        if (delivery === undefined || delivery.number !== this.#delivered + 1) {
            this.#lose();
            return;
        }
        this.#delivered = delivery.number;
        const { sequence, timestamp, pending } = delivery;
        const { subject, data, headers = NO_HEADERS } = message;
        this.#handler.message({ subject, sequence, timestamp, data, headers }, pending);
    }

    #receiveControl(message: Msg): void {
        const stalled = message.headers?.get('Nats-Consumer-Stalled') ?? '';
        const flowControl = message.reply !== undefined && message.reply !== '' ? message.reply : stalled;
        if (flowControl !== '') {
            this.#handler.flowControl(() => {
                if (!this.#stopped && !this.#context.connection.closed) {
                    this.#context.connection.nc.publish(flowControl);
                }
            });
        }
        // A heartbeat says how many messages were pushed: fewer here means that the last ones were lost.
        const pushed = message.headers?.get('Nats-Last-Consumer') ?? '';
        if (pushed !== '' && Number(pushed) !== this.#delivered) {
            this.#lose();
        } else if (pushed !== '') {
            this.#handler.idle();
        }
    }

    #checkSilence(): void {
        if (performance.now() - this.#heardAt > SILENCE_MS && this.#context.connection.connected) {
            this.#lose();
        }
    }

    /** The client gives up a subscription that is refused. */
    #refuse(): void {
        this.#isRefused = true;
        this.#lose();
    }

    #lose(): void {
        if (!this.#stopped) {
            this.stop();
            this.#handler.lost();
        }
    }
}

/** What the server says about a message that it pushes. */
interface Delivery {
    readonly sequence: number;
    /** How many messages of the consumer were pushed, with this one. */
    readonly number: number;
    readonly timestamp: number;
    /** How many more there were. */
    readonly pending: number;
}

/** Reads the reply subject of a pushed message: `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.…`. */
function parseDelivery(reply: string | undefined): Delivery | undefined {
    const tokens = reply?.split('.') ?? [];
    // Nine tokens, or eleven and more in the form that names domain and account (ADR-15).
    const at = tokens.length >= 11 ? 2 : 0;
    const [, sequence, number, nanos, pending] = tokens.slice(4 + at, 9 + at);
    if (sequence === undefined || number === undefined || nanos === undefined || pending === undefined) {
        return undefined;
    }
    return {
        sequence: Number(sequence),
        number: Number(number),
        timestamp: Number(nanos.slice(0, -6)),
        pending: Number(pending)
    };
}
