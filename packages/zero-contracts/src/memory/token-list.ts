import { checkOf, watermarkOf } from '../backend.js';
import type { LexiVersion } from '../index.js';

/** A token at its place. */
export interface PlacedToken {
    readonly sequence: number;
    readonly watermark: LexiVersion;
    readonly resumeToken: string;
    /** Whether a sync began there; the token may have another watermark for its changes. */
    readonly sync: boolean;
    /** Whether it had its watermark from another store. */
    readonly imported: boolean;
}

/** How an import of a shard stands. */
export interface ImportMark {
    readonly state: 'begun' | 'complete';
    /** Imported watermarks are below this, the shard's own above. */
    readonly below: LexiVersion;
}

/** The resume tokens of one shard: a list to whose end is added, and from whose beginning is removed. */
export class TokenList {
    /** Below this nothing is kept, or ever was. */
    first: number;
    /** The newest sequence that was given, or the one before the first to be given. */
    last: number;
    /** `undefined`: nothing was imported. */
    importMark: ImportMark | undefined;
    readonly #bySequence = new Map<number, PlacedToken>();
    readonly #byWatermark = new Map<LexiVersion, PlacedToken>();
    /** Syncs are not among them. */
    readonly #byToken = new Map<string, PlacedToken>();

    constructor(first: number) {
        this.first = first;
        this.last = first - 1;
    }

    /**
     * Adds a token at the end. A sync leaves the token's own place, if it has one, as it is.
     *
     * @param importedAs its watermark in another store; otherwise it is its place
     */
    add(resumeToken: string, sync: boolean, importedAs?: LexiVersion): PlacedToken {
        const sequence = this.last + 1;
        const watermark = importedAs ?? watermarkOf(sequence, checkOf(resumeToken));
        const token = { sequence, watermark, resumeToken, sync, imported: importedAs !== undefined };
        this.#put(token);
        this.last = sequence;
        return token;
    }

    /** The token with its own place, not that of a sync. */
    find(resumeToken: string): PlacedToken | undefined {
        return this.#byToken.get(resumeToken);
    }

    /** The token that a watermark leads back to. */
    of(watermark: LexiVersion): PlacedToken | undefined {
        return this.#byWatermark.get(watermark);
    }

    head(): PlacedToken | undefined {
        return this.#bySequence.get(this.last);
    }

    /** All tokens from a sequence on, oldest first. */
    from(sequence: number): PlacedToken[] {
        return [...this.#bySequence.values()].filter(token => token.sequence >= sequence);
    }

    removeBelow(sequence: number): void {
        for (; this.first < sequence; this.first += 1) {
            const token = this.#bySequence.get(this.first);
            if (token !== undefined) {
                this.#bySequence.delete(this.first);
                this.#byWatermark.delete(token.watermark);
                if (!token.sync) {
                    this.#byToken.delete(token.resumeToken);
                }
            }
        }
    }

    /** Removes everything; what is added next gets this sequence. */
    goOnAt(sequence: number): void {
        this.#bySequence.clear();
        this.#byWatermark.clear();
        this.#byToken.clear();
        this.importMark = undefined;
        this.first = sequence;
        this.last = sequence - 1;
    }

    copy(): TokenList {
        const copy = new TokenList(this.first);
        copy.last = this.last;
        copy.importMark = this.importMark;
        this.#bySequence.forEach(token => copy.#put(token));
        return copy;
    }

    #put(token: PlacedToken): void {
        this.#bySequence.set(token.sequence, token);
        this.#byWatermark.set(token.watermark, token);
        if (!token.sync) {
            this.#byToken.set(token.resumeToken, token);
        }
    }
}
