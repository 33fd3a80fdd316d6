import { Deadline } from '@cbnsndwch/zero-contracts/backend';

import type { Bucket } from './bucket.js';
import type { StoredMessage } from './jetstream-answers.js';
import { attemptMs, type RecordStore } from './record-store.js';
import { RequestFailure } from './requester.js';

/** Fewer keys than these are quicker to read one by one. */
const FEW = 32;

/** The server gives at most 1,024 at once (nats-server 2.11 to 2.15). */
const MOST = 1_000;

/** Longer than answers take, and short enough that a replica that is silent costs callers little. */
const ATTEMPT_MS = 500;

/** How long keys are read one by one after that went wrong. */
const REST_MS = 10_000;

/** The same after it was not permitted, which may change, and each time is a line in the server's log. */
const FORBIDDEN_REST_MS = 300_000;

interface Call {
    readonly deadline: Deadline;
    readonly resolve: (message: StoredMessage | null) => void;
    readonly reject: (error: unknown) => void;
}

/** A subject, and who waits for its last message. */
type Read = readonly [subject: string, calls: Call[]];

/**
 * Reads the last messages of subjects as the leader has them, for many callers at once.
 *
 * What is asked for in one turn, or while others are being read, is read together (ADR-31, 2.11+): with 256 callers that
 * costs the servers a third of what reads of the leader do. Any replica may answer. Its answer counts when it goes up to
 * where the leader's stream ended after all of these calls had begun; if not, and with few keys, the leader is asked for
 * each.
 */
export class SharedReads {
    readonly #bucket: Bucket;
    readonly #store: RecordStore;
    #waiting = new Map<string, Call[]>();
    #running = false;
    /** When keys may be read together again, on the monotonic clock. */
    #restsUntil: number;

    constructor(bucket: Bucket, store: RecordStore) {
        this.#bucket = bucket;
        this.#store = store;
        this.#restsUntil = bucket.allowDirect ? 0 : Infinity;
    }

    /** @throws {WatermarkError} as {@link RecordStore.read} */
    read(subject: string, deadline: Deadline): Promise<StoredMessage | null> {
        return new Promise((resolve, reject) => {
            const call = { deadline, resolve, reject };
            const others = this.#waiting.get(subject);
            if (others === undefined) {
                this.#waiting.set(subject, [call]);
            } else {
                others.push(call);
            }
            if (!this.#running) {
                this.#running = true;
                queueMicrotask(() => void this.#run());
            }
        });
    }

    async #run(): Promise<void> {
        while (this.#waiting.size > 0) {
            const reads = [...this.#waiting];
            this.#waiting = new Map();
            for (let start = 0; start < reads.length; start += MOST) {
                await this.#readGroup(reads.slice(start, start + MOST));
            }
        }
        this.#running = false;
    }

    async #readGroup(reads: readonly Read[]): Promise<void> {
        const areMany = reads.length >= FEW && performance.now() >= this.#restsUntil;
        const found = areMany ? await this.#readTogether(reads) : undefined;
        for (const [subject, calls] of reads) {
            const message = found?.get(subject);
            if (message === undefined) {
                this.#readOne(subject, calls);
            } else {
                calls.forEach(({ resolve }) => resolve(message));
            }
        }
    }

    #readOne(subject: string, calls: readonly Call[]): void {
        this.#store.read({ last_by_subj: subject }, earliestOf(calls)).then(
            message => calls.forEach(({ resolve }) => resolve(message)),
            (error: unknown) => calls.forEach(({ reject }) => reject(error))
        );
    }

    /** Those last messages that are certain. That there is none, only the leader can say: a mirror may have some subjects. */
    async #readTogether(reads: readonly Read[]): Promise<ReadonlyMap<string, StoredMessage>> {
        const { js } = this.#store;
        const { stream } = this.#bucket;
        const subjects = reads.map(([subject]) => subject);
        const deadline = Deadline.earlier(earliestOf(reads.flatMap(([, calls]) => calls)), Deadline.in(ATTEMPT_MS));
        const ask = () => js.getLastOfEach(stream, subjects, attemptMs(deadline));
        try {
            const [info, first] = await Promise.all([js.streamInfo(stream, attemptMs(deadline)), ask()]);
            const end = info.state.last_seq;
            // Something was written in between, or the replica was behind: by now it should have that.
            const { upTo, messages } = first.upTo >= end ? first : await ask();
            return new Map(upTo < end ? [] : messages.map(message => [message.subject, message]));
        } catch (error) {
            // Whatever it is, whoever asks the leader now is told of it.
            const isForbidden = error instanceof RequestFailure && error.kind === 'not-permitted';
            this.#restsUntil = performance.now() + (isForbidden ? FORBIDDEN_REST_MS : REST_MS);
            return new Map();
        }
    }
}

function earliestOf(calls: readonly Call[]): Deadline {
    return calls.map(({ deadline }) => deadline).reduce(Deadline.earlier);
}
