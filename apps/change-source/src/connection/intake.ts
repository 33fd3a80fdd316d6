import type { UpstreamTransaction } from '../upstream/upstream-source.js';

/** A transaction of the upstream, ready to be sent. */
export interface EncodedTransaction extends Pick<UpstreamTransaction, 'position'> {
    /** Its `data` messages as JSON; none when nothing that is published changed. */
    readonly messages: readonly string[];
}

/** How much is taken at once. */
export interface IntakeOptions {
    /** @default 500 */
    readonly maxTransactions: number;
    /** Counted in characters of JSON. @default 4 Mi */
    readonly maxSize: number;
    /** How long nothing must have changed until a mere move of the position is passed on. @default 30_000 */
    readonly idleMs: number;
}

export const INTAKE: IntakeOptions = { maxTransactions: 500, maxSize: 4 * 1024 * 1024, idleMs: 30_000 };

/** What has come since the last time: changes, or a position that the upstream reached without any. */
export type Intaken =
    | { readonly kind: 'changes'; readonly transactions: readonly EncodedTransaction[] }
    | { readonly kind: 'idle'; readonly position: string };

/** Reads ahead of a slow consumer, in bounded memory, so that it gets all that came while it was busy. */
export class Intake {
    readonly #options: IntakeOptions;
    #waiting: EncodedTransaction[] = [];
    #size = 0;
    #idle: { readonly position: string; readonly due: boolean } | undefined;
    #timer: NodeJS.Timeout | undefined;
    #end: { readonly error: unknown } | 'closed' | undefined;
    #wakeReader: (() => void) | undefined;
    #wakeTaker: (() => void) | undefined;

    constructor(source: AsyncIterable<EncodedTransaction>, options: IntakeOptions = INTAKE) {
        this.#options = options;
        void this.#read(source);
    }

    /**
     * What is there, or the next that comes; `undefined` when the source has ended or this is closed.
     *
     * @throws what the source threw, after all that came before
     */
    async take(): Promise<Intaken | undefined> {
        for (;;) {
            if (this.#waiting.length > 0) {
                const transactions = this.#waiting;
                this.#waiting = [];
                this.#size = 0;
                this.#wakeReader?.();
                return { kind: 'changes', transactions };
            }
            if (this.#end !== undefined) {
                if (this.#end === 'closed') {
                    return undefined;
                }
                throw this.#end.error;
            }
            if (this.#idle?.due === true) {
                const { position } = this.#idle;
                this.#idle = undefined;
                return { kind: 'idle', position };
            }
            await new Promise<void>(resolve => (this.#wakeTaker = resolve));
        }
    }

    /** Drops what is waiting and reads no more. */
    close(): void {
        this.#waiting = [];
        this.#finish('closed');
    }

    async #read(source: AsyncIterable<EncodedTransaction>): Promise<void> {
        try {
            for await (const transaction of source) {
                if (this.#end !== undefined) {
                    return;
                }
                this.#add(transaction);
                while (this.#isFull() && this.#end === undefined) {
                    await new Promise<void>(resolve => (this.#wakeReader = resolve));
                }
            }
            this.#finish('closed');
        } catch (error) {
            this.#finish({ error });
        }
    }

    #add(transaction: EncodedTransaction): void {
        if (transaction.messages.length === 0) {
            this.#idle = { position: transaction.position, due: false };
            this.#timer ??= setTimeout(() => this.#becomeIdle(), this.#options.idleMs);
            return;
        }
        this.#idle = undefined;
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#waiting.push(transaction);
        this.#size += transaction.messages.reduce((sum, { length }) => sum + length, 0);
        this.#wakeTaker?.();
    }

    #becomeIdle(): void {
        this.#timer = undefined;
        if (this.#idle !== undefined) {
            this.#idle = { ...this.#idle, due: true };
            this.#wakeTaker?.();
        }
    }

    #isFull(): boolean {
        return this.#waiting.length >= this.#options.maxTransactions || this.#size >= this.#options.maxSize;
    }

    #finish(end: { readonly error: unknown } | 'closed'): void {
        this.#end ??= end;
        clearTimeout(this.#timer);
        this.#wakeReader?.();
        this.#wakeTaker?.();
    }
}
