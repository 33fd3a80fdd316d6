import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { backOff, closedError, type Deadline } from '@cbnsndwch/zero-contracts/backend';

import type { Bucket } from './bucket.js';
import type { Connection } from './connection.js';
import type { GroupLimits } from './group-limits.js';
import type { StoredMessage, StreamInfo } from './jetstream-answers.js';
import { type JetStream, type MessageQuery } from './jetstream.js';
import { headersWith, LAST_SEQUENCE } from './message-headers.js';
import { isConflict } from './nats-errors.js';
import { behindMissing, missingOf, type NewToken, type Placement } from './new-token.js';
import { attemptMs, mayPass, RecordStore } from './record-store.js';
import { MARKER, readToken, type StoredToken, upToGap } from './stored-token.js';
import { type AppendOutcome, TokenAppender } from './token-appender.js';
import { TokenLookup } from './token-lookup.js';
import { doubting, outcomeUnknown } from './write-failures.js';

/** Reads that are under way at once when many tokens are looked up. */
const PARALLEL_READS = 256;

/**
 * The stream of one shard: an append-only list of tokens, in which the position is the watermark.
 *
 * Every write is conditional, so it can be repeated: the second time it finds what the first one stored.
 */
export class TokenLog {
    readonly #connection: Connection;
    readonly #bucket: Bucket;
    readonly #store: RecordStore;
    readonly #lookup: TokenLookup;
    readonly #appender: TokenAppender;
    /** Whether the last tokens were known already, so that looking before writing saves the writing. */
    #replaying = false;

    constructor(connection: Connection, bucket: Bucket) {
        this.#connection = connection;
        this.#bucket = bucket;
        this.#store = new RecordStore(connection, bucket);
        this.#lookup = new TokenLookup(bucket, this.#store);
        this.#appender = new TokenAppender(connection, bucket, this.#store);
    }

    get bucketName(): string {
        return this.#bucket.name;
    }

    get maxTokenBytes(): number {
        return this.#bucket.maxRecordBytes;
    }

    /** How many tokens are best given to {@link place} at once. */
    get groupLimits(): GroupLimits {
        return this.#appender.groupLimits;
    }

    info(deadline: Deadline): Promise<StreamInfo> {
        return this.#store.info(deadline);
    }

    /** Removes what is below a sequence; beyond the end it moves the stream there. Doing it again changes nothing. */
    purge(belowSequence: number, deadline: Deadline): Promise<void> {
        return this.#store.retry(deadline, timeoutMs => this.#js.purge(this.#bucket.stream, belowSequence, timeoutMs));
    }

    /** The token at a sequence; `null`: no message there. `undefined`: a message that is no token. */
    async at(sequence: number, deadline: Deadline): Promise<StoredToken | null | undefined> {
        const message = await this.#read({ seq: sequence }, deadline);
        return message === null ? null : this.#tokenIn(message);
    }

    /** The first message at or after a sequence, whatever it is. */
    next(sequence: number, deadline: Deadline): Promise<StoredMessage | null> {
        return this.#read({ seq: sequence, next_by_subj: '>' }, deadline);
    }

    /**
     * The first token at or after a sequence, and how far whoever answered knew the stream: to the token, or where there
     * is none to the last message that stands in its way.
     */
    async tokenFrom(
        sequence: number,
        deadline: Deadline
    ): Promise<{ readonly token: StoredToken | undefined; readonly upTo: number }> {
        for (let upTo = sequence - 1; ;) {
            const message = await this.next(upTo + 1, deadline);
            const token = message === null ? undefined : this.#tokenIn(message);
            upTo = message?.sequence ?? upTo;
            if (message === null || token !== undefined) {
                return { token, upTo };
            }
        }
    }

    /** Tokens from a sequence on, oldest first, not more than a number: those up to where a message is missing. */
    async tokensFrom(sequence: number, count: number, deadline: Deadline): Promise<StoredToken[]> {
        const { token: first } = await this.tokenFrom(sequence, deadline);
        if (first === undefined) {
            return [];
        }
        // Sequences follow each other almost without gaps.
        const others = await Promise.all(
            Array.from({ length: count - 1 }, (_, index) => this.at(first.sequence + 1 + index, deadline))
        );
        return [first, ...upToGap(others)];
    }

    /** What is stored under keys. */
    async tokensUnder(
        keys: readonly Pick<NewToken, 'key'>[],
        deadline: Deadline
    ): Promise<ReadonlyMap<string, StoredToken>> {
        const found = new Map<string, StoredToken>();
        for (let start = 0; start < keys.length; start += PARALLEL_READS) {
            const group = keys.slice(start, start + PARALLEL_READS).map(async ({ key }) => {
                const message = await this.#read({ last_by_subj: this.#subject(key) }, deadline);
                const token = message === null ? undefined : this.#tokenIn(message);
                if (token !== undefined) {
                    found.set(key, token);
                }
            });
            await Promise.all(group);
        }
        return found;
    }

    /** The newest token. */
    async last(deadline: Deadline): Promise<StoredToken | null> {
        const prefix = this.#bucket.subjectPrefix;
        const newest = await Promise.all(
            [`${prefix}*`, `${prefix}sync.*`].map(subject => this.#read({ last_by_subj: subject }, deadline))
        );
        const messages = newest.filter(message => message !== null);
        const tokens = messages.map(message => this.#tokenIn(message)).filter(token => token !== undefined);
        const last = tokens.toSorted((a, b) => b.sequence - a.sequence)[0] ?? null;
        const end = Math.max(0, ...messages.map(({ sequence }) => sequence));
        return end === (last?.sequence ?? 0) ? last : this.#lastBefore(end, last, deadline);
    }

    /** The newest token before a message that is none: what somebody else has put there must not hide the shard's head. */
    async #lastBefore(sequence: number, earlier: StoredToken | null, deadline: Deadline): Promise<StoredToken | null> {
        const floor = earlier?.sequence ?? (await this.info(deadline)).state.first_seq - 1;
        for (let end = sequence; end > floor + 1; end -= PARALLEL_READS) {
            const count = Math.min(PARALLEL_READS, end - 1 - floor);
            const group = Array.from({ length: count }, (_, index) => this.at(end - 1 - index, deadline));
            const token = (await Promise.all(group)).find(each => each !== null && each !== undefined);
            if (token !== undefined && token !== null) {
                return token;
            }
        }
        return earlier;
    }

    /** The value of a marker. */
    async marker(name: string, deadline: Deadline): Promise<StoredMessage | null> {
        return this.#read({ last_by_subj: this.#subject(MARKER + name) }, deadline);
    }

    /**
     * Stores a marker if the stream ends at `lastSequence`. Only a leader that a majority follows can do that, so the
     * answer proves where the stream ends.
     *
     * @returns the marker's sequence, or `undefined` when the stream does not end there or nobody could say
     */
    async putMarker(
        name: string,
        value: string,
        lastSequence: number,
        deadline: Deadline
    ): Promise<number | undefined> {
        const headers = headersWith([LAST_SEQUENCE, String(lastSequence)]);
        try {
            const payload = new TextEncoder().encode(value);
            const ack = await this.#js.publish(this.#subject(MARKER + name), payload, headers, attemptMs(deadline));
            return ack.sequence;
        } catch (error) {
            if (mayPass(error) || isConflict(error)) {
                return undefined;
            }
            throw this.#store.toWatermarkError(error);
        }
    }

    /**
     * Finds or stores tokens, in the given order: each new one gets a higher sequence than all before it.
     *
     * @param found takes up where each token is; also says, after an error, which were placed before it
     * @param afterSequence when given, new tokens are stored only if the stream still ends there
     * @returns `placed`: all were; `moved`: the stream does not end at `afterSequence`; `in-doubt`: the same, and tokens
     *   that are not in `found` may have been stored
     * @throws {WatermarkError} `OUTCOME_UNKNOWN` when tokens that are not in `found` may have been stored
     */
    async place(
        tokens: readonly NewToken[],
        found: Map<string, Placement>,
        deadline: Deadline,
        afterSequence?: number
    ): Promise<PlaceOutcome> {
        let inDoubt = false;
        let mayBeThere = this.#replaying;
        for (let attempt = 0; ; attempt += 1) {
            if (mayBeThere) {
                const missing = missingOf(tokens, found);
                await doubting(
                    inDoubt,
                    inDoubt ? this.find(missing, found, deadline) : this.#lookup.find(missing, found, deadline)
                );
            }
            const appending = this.#appender.append(
                missingOf(tokens, found),
                found,
                deadline,
                afterSequence,
                attempt > 0
            );
            const outcome: AppendOutcome = await doubting(inDoubt, appending);
            if (outcome === 'stored') {
                this.#replaying = tokens.every(token => found.get(token.key)?.isNew === false);
                return 'placed';
            }
            inDoubt ||= outcome === 'in-doubt';
            if (outcome === 'conflict' && afterSequence !== undefined) {
                await doubting(inDoubt, this.find(missingOf(tokens, found), found, deadline));
                return missingOf(tokens, found).length === 0 ? 'placed' : inDoubt ? 'in-doubt' : 'moved';
            }
            this.#giveUpIfLate(deadline, inDoubt);
            mayBeThere = outcome !== 'refused';
            // After the first conflict the tokens are there to be read; after the next ones, not yet.
            if (attempt > 0 || (outcome !== 'conflict' && outcome !== 'refused')) {
                await backOff(attempt, deadline);
                await this.#connection.settled(deadline);
            }
        }
    }

    /**
     * Looks tokens up without storing anything; what is there is entered in `found`.
     *
     * What a try in doubt has stored is a beginning of its tokens. So if one is missing before one that is there, the shard
     * may have been emptied between the two reads: the later one is looked for again. If it were kept, the missing one would
     * be stored above it, in the wrong order.
     */
    async find(tokens: readonly NewToken[], found: Map<string, Placement>, deadline: Deadline): Promise<void> {
        await this.#lookup.find(tokens, found, deadline);
        for (let behind = behindMissing(tokens, found); behind.length > 0;) {
            behind.forEach(({ key }) => found.delete(key));
            await this.#lookup.find(behind, found, deadline);
            const left = behindMissing(tokens, found);
            behind = left.length === behind.length ? [] : left;
        }
    }

    #giveUpIfLate(deadline: Deadline, inDoubt: boolean): void {
        if (inDoubt && (deadline.passed() || this.#connection.closed)) {
            throw outcomeUnknown();
        }
        if (this.#connection.closed) {
            throw closedError();
        }
        if (deadline.passed()) {
            throw new WatermarkError(
                WatermarkErrorCode.UNAVAILABLE,
                `The NATS servers did not take resume tokens for the KV bucket "${this.#bucket.name}" within timeoutMs.`
            );
        }
    }

    #read(query: MessageQuery, deadline: Deadline): Promise<StoredMessage | null> {
        return this.#store.read(query, deadline);
    }

    #tokenIn({ subject, sequence, data, headers }: StoredMessage): StoredToken | undefined {
        return headers.has('KV-Operation')
            ? undefined
            : readToken(subject.slice(this.#bucket.subjectPrefix.length), sequence, data);
    }

    #subject(key: string): string {
        return this.#bucket.subjectPrefix + key;
    }

    get #js(): JetStream {
        return this.#store.js;
    }
}

/** What became of tokens that were to be placed; see {@link TokenLog.place}. */
export type PlaceOutcome = 'placed' | 'moved' | 'in-doubt';
