import { isWatermarkError, type WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { backOff, closedError, type Deadline } from '@cbnsndwch/zero-contracts/backend';
import { nuid } from '@nats-io/transport-node';

import type { Bucket } from './bucket.js';
import { isTrueConflict } from './confirm-conflict.js';
import type { Connection } from './connection.js';
import type { PublishAck, StoredMessage, StreamInfo } from './jetstream-answers.js';
import { JetStream, type MessageQuery } from './jetstream.js';
import { MESSAGE_ID, writeHeaders } from './message-headers.js';
import {
    ApiFailure,
    bucketNotFound,
    errorOfApiFailure,
    errorOfRequestFailure,
    isTransient,
    JetStreamCode
} from './nats-errors.js';
import type { RecordWrite } from './record-write.js';
import { RequestFailure } from './requester.js';
import { traceWrite } from './trace-write.js';
import { disconnected, foreignClient, outcomeUnknown, outOfTime, unconfirmedConflict } from './write-failures.js';

/** One request of many; what doesn't come within this is asked for again, while the deadline allows. */
const ATTEMPT_MS = 2_500;

/** A try that is given less than this would only turn a known outcome into an unknown one. */
export const LAST_TRY_MS = 50;

/** How long after it was opened a bucket that cannot be found is taken for one that is not known everywhere yet. */
const SETTLING_MS = 2_000;

/** Told of a write that was stored. */
export type OnStored = (subject: string, write: RecordWrite, revision: number) => void;

/** A write was stored, or it was refused because the key is not at the expected revision. */
export type WriteResult =
    | { readonly stored: true; readonly revision: number }
    | { readonly stored: false; readonly actualRevision: number | undefined };

/**
 * Reads and writes single records of a bucket, and keeps at it until the deadline.
 *
 * What a lost acknowledgement means is decided here, from experiments with nats-server 2.10.27 and 2.15.1 in clusters
 * of three under kills and partitions; docs/guarantees.md has the reasoning.
 */
export class RecordStore {
    readonly js: JetStream;
    readonly #connection: Connection;
    readonly #bucket: Bucket;
    readonly #idPrefix = nuid.next();
    #writes = 0;
    /** The highest revision that this process has seen: what is at or below was there before whatever starts now. */
    #seen: number;

    constructor(connection: Connection, bucket: Bucket) {
        this.js = new JetStream(connection.requester);
        this.#connection = connection;
        this.#bucket = bucket;
        this.#seen = bucket.info.state.last_seq;
    }

    /** Reads from the stream's leader. */
    read(query: MessageQuery, deadline: Deadline): Promise<StoredMessage | null> {
        return this.#read(deadline, timeoutMs => this.js.getMessage(this.#bucket.stream, query, timeoutMs));
    }

    /** Reads from the leader until what it has is `recent`: one that was deposed may not know of it yet. */
    async readUntil(
        query: MessageQuery,
        deadline: Deadline,
        recent: (message: StoredMessage | null) => boolean
    ): Promise<StoredMessage | null> {
        for (let attempt = 0; ; attempt += 1) {
            const message = await this.read(query, deadline);
            if (recent(message) || deadline.passed()) {
                return message;
            }
            await this.#pause(attempt, deadline);
        }
    }

    /** Reads the last message of a subject from whichever replica is near; it may lag behind. */
    readAny(subject: string, deadline: Deadline): Promise<StoredMessage | null> {
        return this.#read(deadline, timeoutMs => this.js.getLastDirect(this.#bucket.stream, subject, timeoutMs));
    }

    info(deadline: Deadline): Promise<StreamInfo> {
        return this.retry(deadline, timeoutMs => this.js.streamInfo(this.#bucket.stream, timeoutMs));
    }

    /**
     * Stores a record once, however often it has to be sent.
     *
     * @param expectedRevision at which the key must be; 0: nothing may be there; `undefined`: whatever is there is replaced
     * @param onStored told of it before the caller is
     * @throws {WatermarkError} `OUTCOME_UNKNOWN` when it may have been stored; anything else means that it was not.
     */
    write(
        subject: string,
        write: RecordWrite,
        expectedRevision: number | undefined,
        deadline: Deadline,
        onStored?: OnStored
    ): Promise<WriteResult> {
        if (deadline.remainingMs() < LAST_TRY_MS) {
            return Promise.reject(outOfTime());
        }
        const id = this.#newId();
        const sent: SentWrite = { subject, write, expectedRevision, seenBefore: this.#seen, deadline, onStored };
        // As good as always this one request is all, and the promises of the loop would cost as much as it does.
        return this.#connection.connected
            ? this.#publish(sent, id, expectedRevision).then(
                  ({ sequence }) => this.#stored(sent, sequence),
                  (error: unknown) => this.#writeAgain(sent, id, this.#outcomeOf(error, deadline))
              )
            : this.#writeAgain(sent, id, Promise.resolve(this.#notConnected()));
    }

    #stored({ subject, write, onStored }: SentWrite, revision: number): WriteResult {
        this.#seen = Math.max(this.#seen, revision);
        onStored?.(subject, write, revision);
        return { stored: true, revision };
    }

    /** Decides what became of a write that was not acknowledged, and sends it again where that is right. */
    async #writeAgain(sent: SentWrite, firstId: string, firstOutcome: Promise<AttemptOutcome>): Promise<WriteResult> {
        const { subject, expectedRevision, seenBefore, deadline } = sent;
        const since = performance.now();
        let id = firstId;
        let expected = expectedRevision;
        let inDoubt = false;
        for (let attempt = 0; ; attempt += 1) {
            const outcome = await (attempt === 0 ? firstOutcome : this.#attempt(sent, id, expected));
            if (outcome.kind === 'stored') {
                return this.#stored(sent, outcome.ack.sequence);
            }
            if (outcome.kind === 'conflict' && expected === undefined) {
                throw foreignClient();
            }
            if (outcome.kind === 'conflict' && !inDoubt && (await this.#isTrue(outcome.actualRevision, sent, since))) {
                return { stored: false, actualRevision: outcome.actualRevision };
            }
            if (outcome.kind === 'refused' && !inDoubt) {
                throw outcome.error;
            }
            inDoubt ||= outcome.kind === 'in-doubt';
            if (inDoubt) {
                const found = await this.#readInDoubt({ last_by_subj: subject }, deadline);
                if (found?.headers.get(MESSAGE_ID) === id) {
                    return this.#stored(sent, found.sequence);
                }
                const actual = found?.sequence ?? 0;
                const before = Math.max(expected ?? 0, seenBefore);
                if (actual > (expected ?? seenBefore)) {
                    // Somebody else has written since; the entry that could tell may be replaced, or may be there.
                    const fate = await traceWrite(query => this.#readInDoubt(query, deadline), {
                        id,
                        subject,
                        everything: `${this.#bucket.subjectPrefix}>`,
                        after: before,
                        upTo: actual
                    });
                    if (typeof fate === 'number') {
                        return this.#stored(sent, fate);
                    }
                    if (fate === 'unknown') {
                        throw outcomeUnknown();
                    }
                    if (expectedRevision !== undefined) {
                        return { stored: false, actualRevision: actual };
                    }
                }
                if (outcome.kind === 'refused') {
                    throw outcomeUnknown();
                }
                // Without a condition, only what is known not to come after this write may be replaced by a second try:
                // the servers forget the ids of replaced messages when they restart.
                expected = expectedRevision ?? actual;
            }
            await this.#pause(attempt, deadline);
            if (deadline.remainingMs() < LAST_TRY_MS) {
                throw lastWord(outcome, inDoubt);
            }
            if (!inDoubt) {
                // A cluster of 2.10 keeps the id of a write that it refused, and takes the next try for a duplicate.
                id = this.#newId();
            }
        }
    }

    /**
     * Repeats what changes nothing until there is an answer or the deadline has passed.
     *
     * @throws {WatermarkError} `UNAVAILABLE`, `PERMISSION_DENIED`, `BUCKET_NOT_FOUND`, `CLOSED`
     */
    async retry<T>(deadline: Deadline, ask: (timeoutMs: number) => Promise<T>): Promise<T> {
        for (let attempt = 0; ; attempt += 1) {
            if (this.#connection.closed) {
                throw closedError();
            }
            try {
                return await ask(attemptMs(deadline));
            } catch (error) {
                if (!(mayPass(error) || this.#maySettle(error)) || deadline.passed()) {
                    throw this.toWatermarkError(error);
                }
            }
            await this.#pause(attempt, deadline);
        }
    }

    async #attempt(sent: SentWrite, id: string, expected: number | undefined): Promise<AttemptOutcome> {
        if (!this.#connection.connected) {
            return this.#notConnected();
        }
        try {
            return { kind: 'stored', ack: await this.#publish(sent, id, expected) };
        } catch (error) {
            return this.#outcomeOf(error, sent.deadline);
        }
    }

    #publish(
        { subject, write: { payload, headers }, deadline }: SentWrite,
        id: string,
        expected: number | undefined
    ): Promise<PublishAck> {
        return this.js.publish(subject, payload, writeHeaders(id, expected, headers), attemptMs(deadline));
    }

    #notConnected(): AttemptOutcome {
        return this.#connection.closed
            ? { kind: 'refused', error: closedError() }
            : { kind: 'not-sent', error: disconnected(this.#connection.description) };
    }

    /** Unlike that of any other write of any client; a random one each would be a tenth of what a write costs. */
    #newId(): string {
        this.#writes += 1;
        return this.#idPrefix + this.#writes.toString(36);
    }

    async #outcomeOf(error: unknown, deadline: Deadline): Promise<AttemptOutcome> {
        if (error instanceof ApiFailure) {
            switch (error.code) {
                case JetStreamCode.WRONG_LAST_SEQUENCE:
                    return { kind: 'conflict', actualRevision: sequenceNamedIn(error.message) };
                case JetStreamCode.WRONG_LAST_SEQUENCE_UNKNOWN:
                    // Another write of the key is under way. It may come to nothing, so this is no conflict yet.
                    return { kind: 'not-sent', error: unconfirmedConflict() };
                case JetStreamCode.DUPLICATE_IN_FLIGHT:
                    return { kind: 'in-doubt' };
                default:
                    return isTransient(error)
                        ? { kind: 'not-sent', error: this.toWatermarkError(error) }
                        : { kind: 'refused', error: this.toWatermarkError(error) };
            }
        }
        if (!(error instanceof RequestFailure)) {
            throw error;
        }
        if (error.mayHaveArrived) {
            return { kind: 'in-doubt' };
        }
        if (error.kind === 'no-responders') {
            // Nobody takes writes for the bucket: an election, or the bucket is gone.
            return (await this.#bucketIsGone(deadline))
                ? { kind: 'refused', error: bucketNotFound(this.#bucket.name) }
                : { kind: 'not-sent', error: this.toWatermarkError(error) };
        }
        return { kind: error.mayPass ? 'not-sent' : 'refused', error: this.toWatermarkError(error) };
    }

    #isTrue(actualRevision: number | undefined, write: SentWrite, since: number): Promise<boolean> {
        const { subject, expectedRevision, deadline } = write;
        if (actualRevision === undefined || expectedRevision === undefined) {
            return Promise.resolve(true);
        }
        const { stream, subjectPrefix } = this.#bucket;
        const conflict = { stream, subject, everything: `${subjectPrefix}>`, expectedRevision, actualRevision, since };
        return isTrueConflict(this.js, conflict, () => attemptMs(deadline));
    }

    async #bucketIsGone(deadline: Deadline): Promise<boolean> {
        try {
            await this.js.streamInfo(this.#bucket.stream, attemptMs(deadline));
            return false;
        } catch (error) {
            return isNotFound(error) && !this.#maySettle(error);
        }
    }

    /** In a cluster, a node may not know yet of a bucket that was made a moment ago, and say that there is none. */
    #maySettle(error: unknown): boolean {
        return isNotFound(error) && performance.now() - this.#bucket.openedAt < SETTLING_MS;
    }

    async #readInDoubt(query: MessageQuery, deadline: Deadline): Promise<StoredMessage | null> {
        try {
            return await this.retry(deadline, timeoutMs => this.js.getMessage(this.#bucket.stream, query, timeoutMs));
        } catch (error) {
            // Of a bucket that is gone, nothing is left.
            throw isWatermarkError(error, WatermarkErrorCode.BUCKET_NOT_FOUND) ? error : outcomeUnknown(error);
        }
    }

    async #read(
        deadline: Deadline,
        ask: (timeoutMs: number) => Promise<StoredMessage | null>
    ): Promise<StoredMessage | null> {
        const message = await this.retry(deadline, ask);
        this.#seen = Math.max(this.#seen, message?.sequence ?? 0);
        return message;
    }

    async #pause(attempt: number, deadline: Deadline): Promise<void> {
        await backOff(attempt, deadline);
        await this.#connection.settled(deadline);
    }

    /** What a failed request or a refusal means to the caller; anything else is thrown as it is. */
    toWatermarkError(error: unknown): WatermarkError {
        if (error instanceof ApiFailure) {
            return errorOfApiFailure(error, this.#bucket.name);
        }
        if (error instanceof RequestFailure) {
            return this.#connection.connected || this.#connection.closed
                ? errorOfRequestFailure(error)
                : disconnected(this.#connection.description);
        }
        throw error;
    }
}

/** A write that is under way. */
interface SentWrite {
    readonly subject: string;
    readonly write: RecordWrite;
    readonly expectedRevision: number | undefined;
    /** What this process had seen before it was sent first. */
    readonly seenBefore: number;
    readonly deadline: Deadline;
    readonly onStored: OnStored | undefined;
}

type AttemptOutcome =
    | { readonly kind: 'stored'; readonly ack: PublishAck }
    /** The key is not at the expected revision. */
    | { readonly kind: 'conflict'; readonly actualRevision: number | undefined }
    /** It was not stored, and another try may succeed. */
    | { readonly kind: 'not-sent'; readonly error: WatermarkError }
    /** It was not stored, and another try would fare no better. */
    | { readonly kind: 'refused'; readonly error: WatermarkError }
    /** It may have been stored. */
    | { readonly kind: 'in-doubt' };

/** What to say when there is no time for another try. A conflict that comes here was not confirmed. */
function lastWord(outcome: AttemptOutcome, inDoubt: boolean): WatermarkError {
    if (inDoubt) {
        return outcomeUnknown();
    }
    return outcome.kind === 'not-sent' ? outcome.error : unconfirmedConflict();
}

function isNotFound(error: unknown): boolean {
    return error instanceof ApiFailure && error.code === JetStreamCode.STREAM_NOT_FOUND;
}

/** Whether asking again may help. */
export function mayPass(error: unknown): boolean {
    if (error instanceof ApiFailure) {
        return isTransient(error);
    }
    return error instanceof RequestFailure && error.mayPass;
}

/** How long one try may take. */
export function attemptMs(deadline: Deadline): number {
    return Math.max(1, Math.min(ATTEMPT_MS, deadline.remainingMs()));
}

/** The text of error 10071 ends in the sequence that the leader has; a hint, so nothing depends on its being there. */
function sequenceNamedIn(description: string): number | undefined {
    const digits = /(\d+)\s*$/.exec(description)?.[1];
    return digits === undefined ? undefined : Number(digits);
}
