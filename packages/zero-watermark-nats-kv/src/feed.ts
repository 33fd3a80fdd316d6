import type { WatermarkLogger } from '@cbnsndwch/zero-contracts';
import { backOff, Deadline } from '@cbnsndwch/zero-contracts/backend';
import type { Bucket } from './bucket.js';
import type { Connection, ConnectionStatus } from './connection.js';
import type { StoredMessage, StreamInfo } from './jetstream-answers.js';
import { ApiFailure, errorOfRequestFailure, JetStreamCode } from './nats-errors.js';
import { PushConsumer } from './push-consumer.js';
import type { RecordStore } from './record-store.js';
import { RequestFailure } from './requester.js';

/** One request while restarting; what doesn't come within this is asked for again. */
const ATTEMPT_MS = 2_000;

/**
 * The same for making a consumer, which takes milliseconds. The servers may place it on a node that has just gone, and then
 * never answer; another one is placed anew.
 */
const CREATE_MS = 1_000;

/** How long a server may claim a history shorter than the one we saw (a deposed leader) before it is believed. */
const SHORTER_HISTORY_MS = 10_000;

/** How often the feed must have come to the end of a stream that is written to all the time. */
const ENOUGH_ENDS = 3;

/** What a feed delivers, in this order: what is there (if asked for), the mark, then what comes. */
export interface FeedHandler {
    /** A message, each once, with growing sequences. */
    message(message: StoredMessage): void;
    /** All that was there when the feed began, also when it has begun anew, has been delivered. */
    currentComplete(): void;
    /** Called when the server asks for a sign that messages are being taken; call `resume` once they are. */
    flowControl(resume: () => void): void;
    /** The bucket is another one, or lost history: what it holds is delivered like what is there, from the start. */
    begunAnew?(): void;
    /** No messages come for now; the feed is at it. */
    interrupted?(): void;
    /** They do again. */
    resumed?(): void;
}

/** What a feed is made of. */
export interface FeedContext {
    readonly connection: Connection;
    readonly bucket: Bucket;
    readonly store: RecordStore;
    readonly logger: WatermarkLogger;
    readonly timeoutMs: number;
}

/**
 * The messages of a subject, in order and without gaps, for as long as it is wanted.
 *
 * It holds a consumer that the server pushes from, and makes a new one, right after the last message it delivered,
 * whenever the old one went silent, skipped a message, or lost its connection. Where it begins is asked of the
 * stream's leader, because the server that hosts the consumer may lag behind it.
 */
export class Feed {
    readonly #context: FeedContext;
    readonly #subject: string;
    readonly #handler: FeedHandler;
    /** Still to be delivered before `currentComplete`, up to this sequence; `undefined` once that is done. */
    #currentUpTo: number | undefined;
    #confirming = false;
    /** How often the feed had come to the end when the leader was asked for it, and others were still writing. */
    #endsReached = 0;
    /** The last sequence that was delivered, or that the feed begins after, and when the server stored it. */
    #cursor = 0;
    #cursorTime = 0;
    #streamCreated: string;
    #consumer: PushConsumer | undefined;
    #stopped = false;
    #starting = true;
    #stopListening: () => void = () => {};

    private constructor(context: FeedContext, subject: string, handler: FeedHandler) {
        this.#context = context;
        this.#subject = subject;
        this.#handler = handler;
        this.#streamCreated = context.bucket.info.created;
    }

    /** Resolves once no later message of the subject can be missed. */
    static async open(
        context: FeedContext,
        subject: string,
        includeCurrent: boolean,
        handler: FeedHandler
    ): Promise<Feed> {
        const feed = new Feed(context, subject, handler);
        const deadline = Deadline.in(context.timeoutMs);
        const newest = context.store.read({ last_by_subj: subject }, deadline);
        if (includeCurrent) {
            // Where that ends is asked once all of it seems to have been delivered.
            feed.#currentUpTo = 0;
        } else {
            const { sequence, timestamp } = (await newest) ?? { sequence: 0, timestamp: 0 };
            feed.#cursor = sequence;
            feed.#cursorTime = timestamp;
        }
        try {
            const attempt = (timeoutMs: number) => feed.#createConsumer(Math.min(timeoutMs, CREATE_MS));
            // Whoever may not ask the leader, or can't, learns of it here: later, nobody fails.
            await Promise.all([newest, context.store.retry(deadline, attempt)]);
        } catch (error) {
            feed.stop();
            throw error;
        }
        feed.#stopListening = context.connection.onStatus(status => feed.#follow(status));
        feed.#started();
        return feed;
    }

    /** The last message that was delivered, or that the feed begins after: its sequence, 0 for none, and its time. */
    get position(): { readonly sequence: number; readonly timestamp: number } {
        return { sequence: this.#cursor, timestamp: this.#cursorTime };
    }

    /** Whether the stream is still the one that the position is of, as far as its leader knows. */
    async isSameHistory(): Promise<boolean> {
        const { bucket, store } = this.#context;
        const reached = this.position;
        const info = await store.js.streamInfo(bucket.stream, ATTEMPT_MS);
        return (await this.#compareHistory(info, reached)) === 'same';
    }

    stop(): void {
        this.#stopped = true;
        this.#stopListening();
        this.#consumer?.stop();
        this.#consumer = undefined;
    }

    async #createConsumer(timeoutMs: number): Promise<void> {
        if (this.#stopped) {
            return;
        }
        this.#consumer?.stop();
        const consumer = new PushConsumer(this.#context, {
            message: (message, pending) => this.#deliver(message, pending),
            flowControl: resume => this.#handler.flowControl(resume),
            idle: () => void this.#confirmCurrent(),
            lost: () => this.#restart()
        });
        this.#consumer = consumer;
        const begin = this.#beginsAfterCursor
            ? { deliver_policy: 'by_start_sequence' as const, opt_start_seq: this.#cursor + 1 }
            : { deliver_policy: 'last_per_subject' as const };
        const { pending } = await consumer.create({ filter_subject: this.#subject, ...begin }, timeoutMs);
        if (this.#stopped) {
            consumer.stop();
        } else if (pending === 0) {
            void this.#confirmCurrent();
        }
    }

    /**
     * Whether a new consumer goes on where the last one ended, also in the middle of what is there. It can where all that
     * a bucket keeps is current. Otherwise a server that cuts off whoever is slow (`write_deadline`, `max_pending`) may
     * cut a watch off again and again while it is being told what it has heard before (seen: minutes for 60 MB).
     */
    get #beginsAfterCursor(): boolean {
        const keepsOnlyCurrent = this.#context.bucket.info.config.max_msgs_per_subject === 1;
        return this.#currentUpTo === undefined || (this.#cursor > 0 && keepsOnlyCurrent);
    }

    #deliver(message: StoredMessage, pending: number): void {
        if (this.#stopped) {
            return;
        }
        // After a restart in the middle of what is there, the new consumer may begin from the start again.
        if (message.sequence > this.#cursor) {
            this.#cursor = message.sequence;
            this.#cursorTime = message.timestamp;
            this.#handler.message(message);
        }
        // What is written anew meanwhile moves to the end: all has been said only once nothing is left to be said.
        if (pending === 0 && this.#currentUpTo !== undefined && this.#cursor >= this.#currentUpTo) {
            void this.#confirmCurrent();
        }
    }

    /**
     * To be called when nothing is left to be delivered, as far as the server that hosts the consumer knows. It counts
     * what was replaced as no longer pending before it counts what took its place (seen on 2.10.27 and 2.15.1: keys that
     * were being written were left out), so the leader is asked where the end is. Who writes all the time would keep it
     * moving for ever: three times at the end are enough.
     */
    async #confirmCurrent(): Promise<void> {
        if (this.#confirming || this.#currentUpTo === undefined) {
            return;
        }
        this.#confirming = true;
        const { bucket, store } = this.#context;
        try {
            for (let atEnd = true; atEnd && !this.#stopped;) {
                const before = this.#cursor;
                const last = await store.js.getMessage(bucket.stream, { last_by_subj: this.#subject }, ATTEMPT_MS);
                // What was to come may have been removed meanwhile, so that it never comes.
                this.#currentUpTo = last?.sequence ?? 0;
                atEnd = this.#cursor >= this.#currentUpTo;
                this.#endsReached += atEnd ? 1 : 0;
                if (before >= this.#currentUpTo || this.#endsReached >= ENOUGH_ENDS) {
                    this.#sayCurrentComplete();
                    return;
                }
            }
        } catch {
            // The next heartbeat asks again.
        } finally {
            this.#confirming = false;
        }
    }

    #sayCurrentComplete(): void {
        this.#currentUpTo = undefined;
        this.#endsReached = 0;
        if (!this.#stopped) {
            this.#handler.currentComplete();
        }
    }

    #follow(status: ConnectionStatus): void {
        if (status === 'up') {
            this.#restart();
        } else if (!this.#stopped) {
            this.#handler.interrupted?.();
        }
    }

    /** Makes a new consumer in place of one that is lost. */
    #restart(): void {
        if (this.#stopped || this.#starting) {
            return;
        }
        this.#starting = true;
        this.#handler.interrupted?.();
        void this.#restartUntilLive().then(() => this.#restarted());
    }

    #restarted(): void {
        this.#started();
        if (!this.#stopped && !this.#starting) {
            this.#handler.resumed?.();
        }
    }

    #started(): void {
        this.#starting = false;
        // It may have been lost again before anybody was listening for that.
        if (this.#consumer?.live !== true && !this.#context.connection.closed) {
            this.#restart();
        }
    }

    async #restartUntilLive(): Promise<void> {
        const { connection, logger, bucket, store, timeoutMs } = this.#context;
        let shorterSince: number | undefined;
        let complained = false;
        for (let attempt = 0; !this.#stopped && !connection.closed; attempt += 1) {
            const deadline = Deadline.in(timeoutMs);
            await connection.settled(deadline);
            // A consumer that survived goes on delivering meanwhile, and the cursor with it.
            const reached = this.position;
            try {
                const info = await store.js.streamInfo(bucket.stream, ATTEMPT_MS);
                const history = await this.#compareHistory(info, reached);
                shorterSince = history === 'shorter' ? (shorterSince ?? performance.now()) : undefined;
                const believed = performance.now() - (shorterSince ?? Infinity) > SHORTER_HISTORY_MS;
                if (history === 'another' || believed) {
                    this.#beginAnew(info);
                }
                if (history !== 'shorter' || believed) {
                    await this.#createConsumer(CREATE_MS);
                    return;
                }
            } catch (error) {
                const gone = error instanceof ApiFailure && error.code === JetStreamCode.STREAM_NOT_FOUND;
                if (gone && !complained) {
                    complained = true;
                    logger.error(`KV bucket "${bucket.name}" is gone; its watches wait until it is there again.`);
                } else if (this.#isRefused(error) && !complained) {
                    complained = true;
                    const { message } = errorOfRequestFailure(error);
                    logger.error(`A watch of KV bucket "${bucket.name}" waits until it is permitted. ${message}`);
                }
            }
            await backOff(attempt, deadline);
        }
    }

    /** Whether the server refuses what only feeds need; that it refuses all answers, the connection says. */
    #isRefused(error: unknown): error is RequestFailure {
        return (
            error instanceof RequestFailure &&
            (error.kind === 'not-permitted' || error.subject === this.#consumer?.deliverSubject)
        );
    }

    /**
     * Compares the stream with what had been delivered from it. Servers that lost the end of a stream give its sequences
     * out again, so what stands where the last message was must have been stored when that was. That nothing stands there
     * means nothing: it may have been replaced, or have expired.
     *
     * The time of creation alone does not tell streams apart: one that several clients made at once has a later one on
     * nodes that were restarted [2.10.27]. But one that was made anew was made after what had been delivered.
     */
    async #compareHistory(
        { created, state }: StreamInfo,
        reached: Pick<StoredMessage, 'sequence' | 'timestamp'>
    ): Promise<'same' | 'shorter' | 'another'> {
        if (reached.sequence === 0) {
            return 'same';
        }
        if (created !== this.#streamCreated && Date.parse(created) > reached.timestamp) {
            return 'another';
        }
        if (state.last_seq < reached.sequence) {
            return 'shorter';
        }
        const { bucket, store } = this.#context;
        const found = await store.js.getMessage(bucket.stream, { seq: reached.sequence }, ATTEMPT_MS);
        return found === null || found.timestamp === reached.timestamp ? 'same' : 'another';
    }

    /** Takes a stream that was made anew, or that lost history, for what it is now. */
    #beginAnew(info: StreamInfo): void {
        const { bucket, logger } = this.#context;
        logger.warn(`KV bucket "${bucket.name}" was made anew or restored; watches go on with what it holds now.`);
        this.#streamCreated = info.created;
        this.#cursor = 0;
        this.#currentUpTo ??= info.state.last_seq;
        this.#handler.begunAnew?.();
    }
}
