import { type MsgHdrs, nuid } from '@nats-io/transport-node';

import { endsFastBatch, fastBatchSuffix } from './fast-batch.js';
import {
    acknowledgement,
    directMessage,
    type PublishAck,
    resultOf,
    type StoredMessage,
    storedMessageOrNull,
    type StreamConfig,
    streamInfo,
    type StreamInfo
} from './jetstream-answers.js';
import { type Header, headersWith, headersWithNumber, LAST_SEQUENCE } from './message-headers.js';
import { ApiFailure } from './nats-errors.js';
import type { Requester } from './requester.js';

/** What a replica has of some subjects. */
export interface LastOfEach {
    readonly messages: readonly StoredMessage[];
    /** Up to which sequence of the stream this is what there was; 0: not known. */
    readonly upTo: number;
}

/** One message of a batch. */
export interface BatchMessage {
    readonly subject: string;
    readonly payload: Uint8Array;
}

/** An atomic batch of which all but the last message was sent. */
export interface StagedBatch {
    /** Stores all of it or nothing; gives the sequence of the last message, the others are right before it. */
    commit(timeoutMs: number): Promise<PublishAck>;
}

export interface ConsumerConfig {
    readonly name: string;
    readonly deliver_subject: string;
    readonly filter_subject: string;
    readonly deliver_policy: 'last_per_subject' | 'by_start_sequence';
    readonly opt_start_seq?: number;
    readonly headers_only?: boolean;
}

/** Status codes in answers to direct gets. */
const END_OF_BATCH = 204;
const NOT_FOUND = 404;

/** Which message to read: the last of a subject (wildcards allowed), or the first from a sequence on. */
export type MessageQuery =
    | { readonly last_by_subj: string }
    | { readonly seq: number }
    | { readonly seq: number; readonly next_by_subj: string };

export const CONSUMER_HEARTBEAT_MS = 1_000;
const CONSUMER_INACTIVE_MS = 15_000;
const NANOS_PER_MS = 1_000_000;

/**
 * The JetStream API, as far as this package needs it: one method a request, no retries.
 *
 * Each rejects with a `RequestFailure` (no answer) or an `ApiFailure` (a refusal, with its number), and nothing else.
 */
export class JetStream {
    readonly #requester: Requester;

    constructor(requester: Requester) {
        this.#requester = requester;
    }

    /** Stores a message. An answer without a sequence means that a first try is still under way: `ApiFailure` 10158. */
    publish(subject: string, payload: Uint8Array, headers: MsgHdrs, timeoutMs: number): Promise<PublishAck> {
        return this.#requester.request(subject, payload, timeoutMs, headers).then(acknowledgement);
    }

    /** Reads from the stream's leader; `null` when there is no such message. */
    getMessage(stream: string, query: MessageQuery, timeoutMs: number): Promise<StoredMessage | null> {
        const subject = `$JS.API.STREAM.MSG.GET.${stream}`;
        return this.#requester.request(subject, JSON.stringify(query), timeoutMs).then(storedMessageOrNull);
    }

    /** Reads the last message of a subject from whichever replica is near. */
    async getLastDirect(stream: string, subject: string, timeoutMs: number): Promise<StoredMessage | null> {
        const answer = await this.#requester.request(`$JS.API.DIRECT.GET.${stream}.${subject}`, '', timeoutMs);
        if (answer.headers?.code === NOT_FOUND) {
            return null;
        }
        if (answer.headers === undefined || answer.headers.code >= 400) {
            throw new ApiFailure(answer.headers?.code ?? 0, answer.headers?.description ?? 'malformed answer');
        }
        return directMessage(answer, answer.headers);
    }

    /**
     * Reads messages that follow each other from whichever replica is near, with one request (ADR-31, 2.11+).
     *
     * @returns those from `fromSequence` on, not more than `count`, perhaps fewer than there are; `undefined`: the server is
     *   older, and sends only one
     */
    async getBatchDirect(
        stream: string,
        fromSequence: number,
        count: number,
        timeoutMs: number
    ): Promise<StoredMessage[] | undefined> {
        const query = { seq: fromSequence, next_by_subj: '>', batch: count };
        const { messages, end } = await this.#getDirect(stream, query, timeoutMs);
        return end?.code === 0 ? undefined : messages;
    }

    /**
     * Reads the last messages of up to 1,000 subjects from whichever replica is near (ADR-31, 2.11+).
     *
     * @throws {ApiFailure} 408: the server is older
     */
    async getLastOfEach(stream: string, subjects: readonly string[], timeoutMs: number): Promise<LastOfEach> {
        const { messages, end } = await this.#getDirect(stream, { multi_last: subjects }, timeoutMs);
        if (end?.code === END_OF_BATCH) {
            return { messages, upTo: Number(end.get('Nats-UpTo-Sequence')) };
        }
        if (end?.code === NOT_FOUND) {
            // There is none at all, or (before 2.15) one was replaced meanwhile. Of which moment that is, it does not say.
            return { messages: [], upTo: 0 };
        }
        throw new ApiFailure(end?.code ?? 0, end?.description ?? 'malformed answer');
    }

    /** Messages of a direct get of several, and the headers of what came after them. */
    async #getDirect(
        stream: string,
        query: object,
        timeoutMs: number
    ): Promise<{ readonly messages: StoredMessage[]; readonly end: MsgHdrs | undefined }> {
        const messages: StoredMessage[] = [];
        const subject = `$JS.API.DIRECT.GET.${stream}`;
        const payload = utf8.encode(JSON.stringify(query));
        const last = await this.#requester.requestStream(subject, payload, timeoutMs, answer => {
            const { headers } = answer;
            const isPart = headers?.code === 0 && headers.has('Nats-Num-Pending');
            if (isPart) {
                messages.push(directMessage(answer, headers));
            }
            return !isPart;
        });
        return { messages, end: last.headers };
    }

    async streamInfo(stream: string, timeoutMs: number): Promise<StreamInfo> {
        return streamInfo(await this.#ask(`$JS.API.STREAM.INFO.${stream}`, '', timeoutMs));
    }

    /** The names of the account's streams that take these subjects. */
    async streamNames(subject: string, timeoutMs: number): Promise<string[]> {
        const names: string[] = [];
        for (;;) {
            const request = JSON.stringify({ subject, offset: names.length });
            const { streams, total } = await this.#ask('$JS.API.STREAM.NAMES', request, timeoutMs);
            const page = Array.isArray(streams) ? streams.map(String) : [];
            names.push(...page);
            if (page.length === 0 || names.length >= Number(total)) {
                return names;
            }
        }
    }

    async createStream(config: StreamConfig, timeoutMs: number): Promise<StreamInfo> {
        const subject = `$JS.API.STREAM.CREATE.${config.name}`;
        return streamInfo(await this.#ask(subject, JSON.stringify(config), timeoutMs));
    }

    /** Removes all messages below a sequence; beyond the last one it moves the stream on to that sequence. */
    async purge(stream: string, belowSequence: number, timeoutMs: number): Promise<void> {
        await this.#ask(`$JS.API.STREAM.PURGE.${stream}`, JSON.stringify({ seq: belowSequence }), timeoutMs);
    }

    /**
     * Sends all but the last message of an atomic batch (2.12+, streams with `allow_atomic`). Nothing is stored until
     * {@link StagedBatch.commit}; a batch that is not committed is dropped by the server after some seconds.
     *
     * That one is too large is said by the commit, so that who sends ahead learns what became of the batch before.
     *
     * @param headers of each message
     * @param firstHeaders of the first message beside these
     */
    stageBatch(
        messages: readonly BatchMessage[],
        headers: readonly Header[],
        firstHeaders: readonly Header[] = []
    ): StagedBatch {
        const last = messages.at(-1);
        if (last === undefined) {
            throw new RangeError('a batch needs at least one message');
        }
        // The client encodes headers when they are published, so one object can serve all: making them was a fifth of what
        // a message costs the client.
        const current = headersWith(...headers, ['Nats-Batch-Id', nuid.next()], ...firstHeaders);
        try {
            for (const [index, { subject, payload }] of messages.entries()) {
                if (index === 1) {
                    firstHeaders.forEach(([name]) => current.delete(name));
                }
                current.set('Nats-Batch-Sequence', String(index + 1));
                if (index < messages.length - 1) {
                    this.#requester.publish(subject, payload, current);
                }
            }
        } catch (failure) {
            return {
                commit: async () => {
                    throw failure;
                }
            };
        }
        current.set('Nats-Batch-Commit', '1');
        return { commit: timeoutMs => this.publish(last.subject, last.payload, current, timeoutMs) };
    }

    /**
     * Stores messages one after another as a fast batch (2.14+, streams with `allow_batched`; ADR-50), each only if the
     * stream ends where the one before it was stored. The server takes none behind one that it refuses or misses.
     *
     * @param headers of each message
     * @param lastSequence where the stream must end before the first one
     * @returns how many were stored, counted from the first, and where the last of these is
     */
    async publishFast(
        messages: readonly BatchMessage[],
        headers: readonly Header[],
        lastSequence: number,
        timeoutMs: number
    ): Promise<{ readonly count: number; readonly sequence: number }> {
        const headersAfter = headersWithNumber(headers, LAST_SEQUENCE);
        const answer = await this.#requester.requestTogether(
            messages[0]?.subject ?? '',
            timeoutMs,
            endsFastBatch,
            publish => {
                for (const [index, { subject, payload }] of messages.entries()) {
                    const suffix = fastBatchSuffix(index, messages.length);
                    publish(subject, payload, headersAfter(lastSequence + index), suffix);
                }
            }
        );
        const { count, seq } = resultOf(answer);
        return { count: Number(count), sequence: Number(seq) };
    }

    /**
     * Makes a consumer that pushes, in order, without acknowledgements, and that the server removes by itself.
     *
     * @returns how many messages it has to deliver, as far as the server that hosts it knows
     */
    async createConsumer(stream: string, config: ConsumerConfig, timeoutMs: number): Promise<{ pending: number }> {
        const answer = await this.#ask(
            `$JS.API.CONSUMER.CREATE.${stream}.${config.name}.${config.filter_subject}`,
            JSON.stringify({
                stream_name: stream,
                action: 'create',
                config: {
                    ack_policy: 'none',
                    replay_policy: 'instant',
                    max_deliver: 1,
                    mem_storage: true,
                    num_replicas: 1,
                    flow_control: true,
                    idle_heartbeat: CONSUMER_HEARTBEAT_MS * NANOS_PER_MS,
                    inactive_threshold: CONSUMER_INACTIVE_MS * NANOS_PER_MS,
                    ...config
                }
            }),
            timeoutMs
        );
        return { pending: typeof answer['num_pending'] === 'number' ? answer['num_pending'] : 0 };
    }

    async deleteConsumer(stream: string, name: string, timeoutMs: number): Promise<void> {
        await this.#ask(`$JS.API.CONSUMER.DELETE.${stream}.${name}`, '', timeoutMs);
    }

    async #ask(
        subject: string,
        payload: Uint8Array | string,
        timeoutMs: number,
        headers?: MsgHdrs
    ): Promise<Readonly<Record<string, unknown>>> {
        return resultOf(await this.#requester.request(subject, payload, timeoutMs, headers));
    }
}

const utf8 = new TextEncoder();
