import { setTimeout as wait } from 'node:timers/promises';
import { type ConsumerMessages, DeliverPolicy, jetstream, type JsMsg } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';

import type { QuakeEvent } from '../feed.js';
import { EventStream } from '../instance/event-stream.js';
import { keyOf } from '../layout.js';
import { STREAM } from './names.js';

/** Reads a JetStream stream. */
export class JetStreamEvents extends EventStream implements OnModuleInit, OnApplicationShutdown {
    readonly #servers: readonly string[];
    readonly #instance: string;
    #connection: NatsConnection | undefined;

    constructor(servers: readonly string[], instance: string) {
        super();
        this.#servers = servers;
        this.#instance = instance;
    }

    async onModuleInit(): Promise<void> {
        this.#connection = await connect({
            servers: [...this.#servers],
            name: `${this.#instance} reads`,
            maxReconnectAttempts: -1,
            reconnectTimeWait: 250
        });
    }

    async onApplicationShutdown(): Promise<void> {
        await this.#connection?.close();
    }

    override async follow(
        network: string,
        after: number,
        handle: (event: QuakeEvent, sequence: number) => void,
        signal: AbortSignal
    ): Promise<void> {
        let last = after;
        while (!signal.aborted) {
            const messages = await this.#open(network, last + 1).catch(() => undefined);
            if (messages === undefined) {
                await wait(250);
                continue;
            }
            const stop = () => messages.stop();
            signal.addEventListener('abort', stop, { once: true });
            try {
                for await (const message of messages) {
                    if (signal.aborted) {
                        break;
                    }
                    last = handOver(message, last, handle);
                }
            } finally {
                signal.removeEventListener('abort', stop);
                messages.stop();
            }
        }
    }

    async #open(network: string, from: number): Promise<ConsumerMessages> {
        if (this.#connection === undefined) {
            throw new Error('The event stream is not connected yet.');
        }
        const consumer = await jetstream(this.#connection, { timeout: 2_000 }).consumers.get(STREAM, {
            filter_subjects: keyOf(network),
            deliver_policy: DeliverPolicy.StartSequence,
            opt_start_seq: from
        });
        // A short request is noticed soon when the server that answered it is gone.
        return consumer.consume({ max_messages: 200, expires: 2_000 });
    }
}

function handOver(message: JsMsg, last: number, handle: (event: QuakeEvent, sequence: number) => void): number {
    if (message.seq <= last) {
        return last;
    }
    handle(message.json<QuakeEvent>(), message.seq);
    return message.seq;
}
