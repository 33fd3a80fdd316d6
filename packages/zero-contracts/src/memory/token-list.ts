/** A token at its place. */
export interface PlacedToken {
    readonly sequence: number;
    readonly resumeToken: string;
}

/** The resume tokens of one shard: a list to whose end is added, and from whose beginning is removed. */
export class TokenList {
    /** Below this nothing is kept, or ever was. */
    first: number;
    /** The newest sequence that was given, or the one before the first to be given. */
    last: number;
    readonly #tokens = new Map<number, string>();
    /** Where each token is that has a watermark for its changes; syncs are not among them. */
    readonly #sequences = new Map<string, number>();

    constructor(first: number) {
        this.first = first;
        this.last = first - 1;
    }

    /** Adds a token at the end. A sync leaves the token's own sequence, if it has one, as it is. */
    add(resumeToken: string, isSync: boolean): number {
        this.last += 1;
        this.#tokens.set(this.last, resumeToken);
        if (!isSync) {
            this.#sequences.set(resumeToken, this.last);
        }
        return this.last;
    }

    find(resumeToken: string): number | undefined {
        return this.#sequences.get(resumeToken);
    }

    at(sequence: number): string | undefined {
        return this.#tokens.get(sequence);
    }

    head(): PlacedToken | undefined {
        const resumeToken = this.#tokens.get(this.last);
        return resumeToken === undefined ? undefined : { sequence: this.last, resumeToken };
    }

    removeBelow(sequence: number): void {
        for (; this.first < sequence; this.first += 1) {
            const resumeToken = this.#tokens.get(this.first);
            this.#tokens.delete(this.first);
            if (resumeToken !== undefined && this.#sequences.get(resumeToken) === this.first) {
                this.#sequences.delete(resumeToken);
            }
        }
    }

    /** Removes everything; what is added next gets this sequence. */
    goOnAt(sequence: number): void {
        this.#tokens.clear();
        this.#sequences.clear();
        this.first = sequence;
        this.last = sequence - 1;
    }

    copy(): TokenList {
        const copy = new TokenList(this.first);
        copy.last = this.last;
        this.#tokens.forEach((resumeToken, sequence) => copy.#tokens.set(sequence, resumeToken));
        this.#sequences.forEach((sequence, resumeToken) => copy.#sequences.set(resumeToken, sequence));
        return copy;
    }
}
