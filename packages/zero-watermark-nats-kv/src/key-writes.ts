import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { Deadline } from '@cbnsndwch/zero-contracts/backend';

interface Caller {
    readonly deadline: Deadline;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
}

interface Waiting<Content> {
    content: Content;
    readonly callers: Caller[];
}

/**
 * One write in flight a key: calls that arrive meanwhile are merged, the newest wins, and all resolve once it is stored.
 *
 * So a retry of this process can never put an older version over a newer one, and a hot key costs one round trip at a
 * time however many callers it has.
 */
export class KeyWrites<Content> {
    readonly #write: (subject: string, content: Content, deadline: Deadline) => Promise<unknown>;
    /** What waits for the write in flight of each key; a key without a write in flight is not in here. */
    readonly #waiting = new Map<string, Waiting<Content> | undefined>();

    constructor(write: (subject: string, content: Content, deadline: Deadline) => Promise<unknown>) {
        this.#write = write;
    }

    /** Stores `content`, or what was given for the same subject later. */
    put(subject: string, content: Content, deadline: Deadline): Promise<void> {
        if (this.#waiting.has(subject)) {
            return this.#wait(subject, content, deadline);
        }
        this.#waiting.set(subject, undefined);
        return this.#write(subject, content, deadline).then(
            () => this.#goOn(subject),
            (error: unknown) => {
                this.#goOn(subject);
                throw error;
            }
        );
    }

    #goOn(subject: string): void {
        if (this.#waiting.get(subject) === undefined) {
            this.#waiting.delete(subject);
        } else {
            void this.#writeWaiting(subject);
        }
    }

    #wait(subject: string, content: Content, deadline: Deadline): Promise<void> {
        return new Promise((resolve, reject) => {
            const caller = { deadline, resolve, reject };
            const waiting = this.#waiting.get(subject);
            if (waiting === undefined) {
                this.#waiting.set(subject, { content, callers: [caller] });
            } else {
                waiting.content = content;
                waiting.callers.push(caller);
            }
        });
    }

    async #writeWaiting(subject: string): Promise<void> {
        for (let group = this.#waiting.get(subject); group !== undefined; group = this.#waiting.get(subject)) {
            this.#waiting.set(subject, undefined);
            await this.#writeGroup(subject, group);
        }
        this.#waiting.delete(subject);
    }

    async #writeGroup(subject: string, { content, callers }: Waiting<Content>): Promise<void> {
        const deadline = callers.map(caller => caller.deadline).reduce(Deadline.later);
        const expiry = new GroupExpiry(callers);
        try {
            await this.#write(subject, content, deadline);
            callers.forEach(caller => caller.resolve());
        } catch (error) {
            callers.forEach(caller => caller.reject(error));
        } finally {
            expiry.stop();
        }
    }
}

/** Lets no caller of a merged write wait beyond its own deadline; they came in order, so one timer serves them all. */
class GroupExpiry {
    readonly #callers: readonly Caller[];
    #next = 0;
    #timer: NodeJS.Timeout | undefined;

    constructor(callers: readonly Caller[]) {
        this.#callers = callers;
        this.#arm();
    }

    stop(): void {
        clearTimeout(this.#timer);
    }

    #arm(): void {
        const first = this.#callers[this.#next];
        if (first !== undefined) {
            this.#timer = setTimeout(() => this.#expire(), first.deadline.remainingMs() + 50);
        }
    }

    #expire(): void {
        for (let caller = this.#callers[this.#next]; caller?.deadline.passed(); caller = this.#callers[this.#next]) {
            this.#next += 1;
            // Only what the last caller gave is ever sent, so nothing is in doubt about the others.
            caller.reject(this.#next === this.#callers.length ? stillUnderWay() : superseded());
        }
        this.#arm();
    }
}

function stillUnderWay(): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.OUTCOME_UNKNOWN,
        'The write was still under way when timeoutMs had passed.',
        { remediation: 'Read the watermark before you write again.' }
    );
}

function superseded(): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.UNAVAILABLE,
        'The write was not sent: a later one took its place, and that was not stored within timeoutMs either.',
        { remediation: 'Read the watermark before you write again: the later write may still be stored.' }
    );
}
