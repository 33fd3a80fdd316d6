/** What is kept below the watermark that zero-cache has committed. */
export interface RetentionOptions {
    /** How many sequences below it. */
    readonly retainTokens: number;
    /** For how long after it was acknowledged. */
    readonly retainMs: number;
}

/** The time that is told apart when retention is by time: a hundredth of it. */
const STEPS = 100;

/** Remembers what was acknowledged when, as exactly as retention needs it, and so in bounded memory. */
export class Retention {
    readonly #options: RetentionOptions;
    readonly #acknowledged: { readonly sequence: number; readonly at: number }[] = [];
    #newest = 0;

    constructor(options: RetentionOptions) {
        this.#options = options;
    }

    /** Notes an acknowledgement; one that is not above the newest says nothing new. `now` in milliseconds. */
    note(sequence: number, now: number): void {
        if (sequence <= this.#newest) {
            return;
        }
        this.#newest = sequence;
        const last = this.#acknowledged.at(-1);
        if (last === undefined || now - last.at >= this.#options.retainMs / STEPS) {
            this.#acknowledged.push({ sequence, at: now });
        }
    }

    /** The sequence below which everything may go now, or `undefined`. */
    floor(now: number): number | undefined {
        const { retainTokens, retainMs } = this.#options;
        const firstToKeep = this.#acknowledged.findIndex(({ at }) => now - at < retainMs);
        const old = firstToKeep === -1 ? this.#acknowledged.length : firstToKeep;
        const last = this.#acknowledged[old - 1];
        if (last === undefined) {
            return undefined;
        }
        this.#acknowledged.splice(0, old - 1);
        const floor = last.sequence - retainTokens;
        return floor > 0 ? floor : undefined;
    }
}
