import { setTimeout as wait } from 'node:timers/promises';

import {
    DeliverPolicy,
    jetstream,
    JetStreamApiError,
    type JetStreamClient,
    type JetStreamManager,
    jetstreamManager,
    type JsMsg,
    type MsgRequest,
    type StoredMsg,
    type StreamInfo
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Logger } from '@nestjs/common';

import { PositionLostError } from '../upstream/upstream-source.js';
import { consume } from './consumption.js';
import { NotPermittedError, PublishRefusals, refusalIn } from './permissions.js';
import type { KvPosition } from './position.js';
import type { RowMessage } from './row-message.js';
import { Trouble } from './trouble.js';

const REQUEST_TIMEOUT_MS = 2_000;
const RETRY_MS = 250;

/** How long a server may say that the history is shorter than we know (one that is behind) before it is believed. */
const SHORTER_HISTORY_MS = 10_000;

const NANOS_PER_MS = 1_000_000n;
const STREAM_NOT_FOUND = 10059;
const NO_MESSAGE = 10037;

/** The stream of a bucket, read in order across broken connections and servers that go. */
export class BucketLog {
    readonly #connection: NatsConnection;
    readonly #bucket: string;
    readonly #stream: string;
    readonly #prefix: string;
    readonly #js: JetStreamClient;
    readonly #refusals: PublishRefusals;
    readonly #logger = new Logger('NatsKvSource');
    #manager: JetStreamManager | undefined;

    constructor(connection: NatsConnection, bucket: string) {
        this.#connection = connection;
        this.#bucket = bucket;
        this.#stream = `KV_${bucket}`;
        this.#prefix = `$KV.${bucket}.`;
        this.#js = jetstream(connection, { timeout: REQUEST_TIMEOUT_MS });
        this.#refusals = new PublishRefusals(connection);
    }

    /**
     * What the stream's leader says of it; waits for one. `undefined` when there is no such bucket.
     *
     * @param unanswered called for each request that nobody answers
     * @throws {NotPermittedError}
     * @throws the reason of the abort
     */
    async info(signal: AbortSignal, unanswered?: () => void): Promise<StreamInfo | undefined> {
        return this.#untilAnswered(signal, STREAM_NOT_FOUND, manager => manager.streams.info(this.#stream), unanswered);
    }

    /**
     * The sequence of the last message that is there; 0 when there is none.
     *
     * @throws {NotPermittedError}
     * @throws the reason of the abort
     */
    async lastSequence(signal: AbortSignal): Promise<number> {
        return (await this.#message({ last_by_subj: `${this.#prefix}>` }, signal))?.seq ?? 0;
    }

    /**
     * The revisions after a position, in order, until the signal aborts.
     *
     * @param currentUpTo up to this sequence, only the last revision of each key
     * @throws {PositionLostError} when the bucket is not the one of the position, or has lost what was read from it
     * @throws {NotPermittedError}
     */
    async *read(from: KvPosition, signal: AbortSignal, currentUpTo = 0): AsyncGenerator<RowMessage, void, undefined> {
        let cursor = from;
        const trouble = this.#trouble();
        while (!signal.aborted) {
            try {
                await this.#expectHistory(cursor, signal);
                const { sequence } = cursor;
                for await (const message of this.#consumeAfter(sequence, sequence < currentUpTo, signal)) {
                    if (message.seq > cursor.sequence) {
                        const row = this.#rowMessage(message);
                        cursor = { ...cursor, sequence: row.sequence, storedAt: row.storedAt };
                        trouble.over();
                        yield row;
                    }
                }
            } catch (error) {
                if (signal.aborted) {
                    return;
                }
                const refusal = refusalIn(error) ?? error;
                if (isForGood(refusal) || this.#connection.isClosed()) {
                    throw refusal;
                }
                trouble.note(error);
                // The next one goes on right after what this one delivered.
                await wait(RETRY_MS, undefined, { signal }).catch(() => {});
            }
        }
    }

    async *#consumeAfter(cursor: number, current: boolean, signal: AbortSignal): AsyncGenerator<JsMsg> {
        const config = {
            filter_subject: `${this.#prefix}>`,
            ...(current
                ? { deliver_policy: DeliverPolicy.LastPerSubject }
                : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: cursor + 1 })
        };
        yield* consume(this.#js, await this.#api(), this.#stream, config, this.#refusals, signal);
    }

    /**
     * Waits for servers that know the position, and refuses it when they have another history, or a shorter one.
     *
     * @throws {PositionLostError}
     * @throws the reason of the abort
     */
    async #expectHistory(known: KvPosition, signal: AbortSignal): Promise<void> {
        // While nobody answers, nobody says that it is shorter.
        let shorterSince: number | undefined;
        const unanswered = () => (shorterSince = undefined);
        for (; ; await wait(RETRY_MS, undefined, { signal })) {
            const info = await this.info(signal, unanswered);
            if (info !== undefined && info.created !== known.created) {
                throw new PositionLostError(`The bucket of ${this.#stream} was deleted and made anew.`);
            }
            if (info !== undefined && info.state.last_seq >= known.sequence) {
                return this.#expectSame(known, signal);
            }
            shorterSince ??= performance.now();
            if (performance.now() - shorterSince > SHORTER_HISTORY_MS) {
                const what = info === undefined ? 'is gone' : 'has lost changes that were read from it';
                throw new PositionLostError(`The bucket of ${this.#stream} ${what}.`);
            }
        }
    }

    /** That nothing stands at the position means nothing: the key was written again since, or has expired. */
    async #expectSame({ sequence: seq, storedAt }: KvPosition, signal: AbortSignal): Promise<void> {
        const found = seq === 0 ? undefined : await this.#message({ seq }, signal);
        if (found !== undefined && found.time.getTime() !== storedAt) {
            throw new PositionLostError(
                `The bucket of ${this.#stream} has lost changes that were read from it, and others stand in their place.`
            );
        }
    }

    async #message(query: MsgRequest, signal: AbortSignal): Promise<StoredMsg | undefined> {
        return this.#untilAnswered(signal, NO_MESSAGE, manager => manager.streams.getMessage(this.#stream, query));
    }

    async #untilAnswered<T>(
        signal: AbortSignal,
        absence: number,
        ask: (manager: JetStreamManager) => Promise<T | null>,
        unanswered?: () => void
    ): Promise<T | undefined> {
        const trouble = this.#trouble();
        for (; ; await wait(RETRY_MS, undefined, { signal })) {
            signal.throwIfAborted();
            try {
                return (await ask(await this.#api())) ?? undefined;
            } catch (error) {
                if (error instanceof JetStreamApiError && error.code === absence) {
                    return undefined;
                }
                const refusal = refusalIn(error);
                if (refusal !== undefined || this.#connection.isClosed()) {
                    throw refusal ?? error;
                }
                unanswered?.();
                trouble.note(error);
            }
        }
    }

    #trouble(): Trouble {
        return new Trouble(reason =>
            this.#logger.warn(`the bucket "${this.#bucket}" can't be read, and is tried again: ${reason}`)
        );
    }

    async #api(): Promise<JetStreamManager> {
        this.#manager ??= await jetstreamManager(this.#connection, { checkAPI: false, timeout: REQUEST_TIMEOUT_MS });
        return this.#manager;
    }

    #rowMessage(message: JsMsg): RowMessage {
        const { headers } = message;
        return {
            key: message.subject.slice(this.#prefix.length),
            sequence: message.seq,
            storedAt: Number(message.timestampNanos / NANOS_PER_MS),
            pending: message.info.pending,
            isDeleted: headers !== undefined && (headers.has('KV-Operation') || headers.has('Nats-Marker-Reason')),
            data: message.data
        };
    }
}

function isForGood(error: unknown): boolean {
    return error instanceof PositionLostError || error instanceof NotPermittedError;
}
