import { setImmediate } from 'node:timers/promises';

import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import type { Deadline } from '@cbnsndwch/zero-contracts/backend';
import type { MsgHdrs } from '@nats-io/transport-node';

import { BatchPlan } from './batch-plan.js';
import { HEADER_BYTES } from './bucket-config.js';
import type { Bucket } from './bucket.js';
import type { Connection } from './connection.js';
import { type GroupLimits, groupLimits } from './group-limits.js';
import type { PublishAck } from './jetstream-answers.js';
import { type BatchMessage, type StagedBatch } from './jetstream.js';
import { type Header, headersWith, LAST_OF_SUBJECT, LAST_SEQUENCE } from './message-headers.js';
import { ApiFailure, isConflict, JetStreamCode, STORE_LESS } from './nats-errors.js';
import type { NewToken, Placement } from './new-token.js';
import { attemptMs, LAST_TRY_MS, mayPass, type RecordStore } from './record-store.js';
import { RequestFailure } from './requester.js';

/** The server's own limit of an atomic batch (nats-server 2.12 to 2.15). */
const MAX_ATOMIC_BATCH = 1_000;

/** The condition that nothing is stored under the subject. */
const IS_NEW: Header = [LAST_OF_SUBJECT, '0'];

/** What became of tokens that were to be stored. What is known to be stored is entered as found, whatever the outcome. */
export type AppendOutcome =
    | 'stored'
    /** Some are stored already, or the stream does not end where it should. */
    | 'conflict'
    /** The server refused to begin with a fast batch; the careful way finds out why. */
    | 'refused'
    | 'not-sent'
    | 'in-doubt';

/**
 * Stores tokens at the end of a shard's stream, in their order: what is stored of them is always a beginning.
 *
 * Three ways lead there: single messages; atomic batches (2.12+); and, with one replica, fast batches (2.14+), which cost
 * the server half as much, unless it syncs to the disk after each message and not after each atomic batch.
 */
export class TokenAppender {
    readonly #connection: Connection;
    readonly #bucket: Bucket;
    readonly #store: RecordStore;
    readonly #plan = new BatchPlan();
    /** Where the stream ended when it was last written to; somebody else may have written since. */
    #end: number | undefined;

    constructor(connection: Connection, bucket: Bucket, store: RecordStore) {
        this.#connection = connection;
        this.#bucket = bucket;
        this.#store = store;
    }

    /** How many tokens are best given to {@link append} at once; with more, their callers wait longer than they need. */
    get groupLimits(): GroupLimits {
        return groupLimits(this.#connection.requester.roundTripMs, this.#takesFastBatches);
    }

    /**
     * @param found takes up where each stored token is
     * @param afterSequence when given, nothing is stored unless the stream still ends there
     * @param carefully without fast batches
     * @throws {WatermarkError} when trying again can't help
     */
    async append(
        tokens: readonly NewToken[],
        found: Map<string, Placement>,
        deadline: Deadline,
        afterSequence: number | undefined,
        carefully: boolean
    ): Promise<AppendOutcome> {
        if (carefully || tokens.length < 2 || !this.#takesFastBatches) {
            return this.#appendCarefully(tokens, found, deadline, afterSequence);
        }
        let end = afterSequence ?? this.#end ?? (await this.#store.info(deadline)).state.last_seq;
        for (let start = 0; start < tokens.length;) {
            const { way, size, trial } = this.#plan.next(tokens.length - start);
            const group = tokens.slice(start, start + size);
            if (trial !== undefined) {
                // What the process does beside, as handing out what was stored before, would count as the server's time.
                await setImmediate();
            }
            const startedAt = performance.now();
            const outcome = await (way === 'fast'
                ? this.#appendFast(group, found, deadline, end)
                : this.#appendCarefully(group, found, deadline, afterSequence === undefined ? undefined : end));
            if (outcome !== 'stored') {
                return outcome;
            }
            trial?.note(way, performance.now() - startedAt);
            start += group.length;
            end = this.#end ?? end;
        }
        return 'stored';
    }

    get #takesFastBatches(): boolean {
        const { allow_batched: isAllowed, num_replicas: replicas } = this.#bucket.info.config;
        return isAllowed === true && replicas === 1;
    }

    /** Stores a group as one fast batch, if the stream ends at `end`. */
    async #appendFast(
        group: readonly NewToken[],
        found: Map<string, Placement>,
        deadline: Deadline,
        end: number
    ): Promise<AppendOutcome> {
        if (!this.#connection.connected || deadline.remainingMs() < LAST_TRY_MS) {
            return 'not-sent';
        }
        try {
            const messages = group.map(token => this.#message(token));
            const ack = await this.#store.js.publishFast(messages, [IS_NEW], end, attemptMs(deadline));
            // Anything else means that the end was moved meanwhile, by a fence.
            const count = ack.sequence === end + ack.count ? ack.count : 0;
            this.#note(group.slice(0, count), end + count, found);
            return count === group.length ? 'stored' : 'conflict';
        } catch (error) {
            this.#end = undefined;
            return error instanceof ApiFailure ? 'refused' : this.#outcomeOf(error);
        }
    }

    /** Stores tokens in atomic batches, or one by one where the server has none. */
    async #appendCarefully(
        tokens: readonly NewToken[],
        found: Map<string, Placement>,
        deadline: Deadline,
        afterSequence: number | undefined
    ): Promise<AppendOutcome> {
        const size = this.#bucket.info.config.allow_atomic === true ? MAX_ATOMIC_BATCH : 1;
        let expectedEnd = afterSequence;
        let group = tokens.slice(0, size);
        let staged = this.#stage(group, expectedEnd);
        for (let start = 0; start < tokens.length; start += size) {
            // One by one, a large group may take longer than its calls; what is stored of it so far counts.
            if (!this.#connection.connected || deadline.remainingMs() < LAST_TRY_MS) {
                return 'not-sent';
            }
            try {
                const committing = staged.commit(attemptMs(deadline));
                const following = tokens.slice(start + size, start + 2 * size);
                // The next batch is sent while this one is being stored, and committed after it: a batch that is not
                // committed leaves nothing, so the order holds whatever fails. One more is enough to fill the wait.
                const ahead = size > 1 && expectedEnd === undefined ? this.#stage(following, undefined) : undefined;
                const { sequence: last } = await committing;
                this.#note(group, last, found);
                expectedEnd = expectedEnd === undefined ? undefined : last;
                group = following;
                staged = ahead ?? this.#stage(following, expectedEnd);
            } catch (error) {
                if (error instanceof ApiFailure && error.code === JetStreamCode.BATCH_INCOMPLETE) {
                    await this.#refuseTooLarge(group, attemptMs(deadline));
                }
                return this.#outcomeOf(error);
            }
        }
        return 'stored';
    }

    /**
     * A server that leaves a message out of a batch does not say why. One that was too large for a bucket of which the
     * limit was lowered would be left out each time.
     *
     * @throws {WatermarkError} `VALUE_TOO_LARGE`
     */
    async #refuseTooLarge(group: readonly NewToken[], timeoutMs: number): Promise<void> {
        const info = await this.#store.js.streamInfo(this.#bucket.stream, timeoutMs).catch(() => undefined);
        const most = info?.config.max_msg_size ?? -1;
        const bytes = Math.max(...group.map(({ entry }) => entry.payload.length));
        if (most !== -1 && bytes > most - HEADER_BYTES) {
            throw new WatermarkError(
                WatermarkErrorCode.VALUE_TOO_LARGE,
                `A resume token has ${bytes} bytes; the KV bucket "${this.#bucket.name}" takes at most ${most - HEADER_BYTES}.`,
                { remediation: STORE_LESS }
            );
        }
    }

    /** Sends a group but for its last message, with which it is stored. */
    #stage(group: readonly NewToken[], afterSequence: number | undefined): StagedBatch {
        const afterEnd: Header[] = afterSequence === undefined ? [] : [[LAST_SEQUENCE, String(afterSequence)]];
        const messages = group.map(token => this.#message(token));
        if (messages.length > 1) {
            return this.#store.js.stageBatch(messages, [IS_NEW], afterEnd);
        }
        return { commit: timeoutMs => this.#publish(messages[0], headersWith(IS_NEW, ...afterEnd), timeoutMs) };
    }

    async #publish(message: BatchMessage | undefined, headers: MsgHdrs, timeoutMs: number): Promise<PublishAck> {
        if (message === undefined) {
            throw new RangeError('there is nothing to store');
        }
        return this.#store.js.publish(message.subject, message.payload, headers, timeoutMs);
    }

    #message({ key, entry }: NewToken): BatchMessage {
        return { subject: this.#bucket.subjectPrefix + key, payload: entry.payload };
    }

    /** Enters where the tokens of a group are, of which the last one is at `last` and the others right before it. */
    #note(group: readonly NewToken[], last: number, found: Map<string, Placement>): void {
        group.forEach((token, index) =>
            found.set(token.key, { sequence: last - (group.length - 1 - index), isNew: true })
        );
        this.#end = last;
    }

    #outcomeOf(error: unknown): AppendOutcome {
        if (isConflict(error)) {
            return 'conflict';
        }
        if (error instanceof RequestFailure && error.mayHaveArrived) {
            return 'in-doubt';
        }
        if (!mayPass(error)) {
            throw this.#store.toWatermarkError(error);
        }
        return error instanceof RequestFailure ? 'not-sent' : 'in-doubt';
    }
}
