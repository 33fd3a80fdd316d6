import type { LexiVersion } from '@cbnsndwch/zero-contracts';
import { type TokenEntry, tokenEntry, watermarkOf } from '@cbnsndwch/zero-contracts/backend';

/** A token that is to be stored, under a key that must not be there. */
export interface NewToken {
    readonly key: string;
    readonly entry: TokenEntry;
    readonly resumeToken: string;
    /** The watermark that it had in another store. */
    readonly importedAs?: LexiVersion;
}

/** A resume token as a caller gives it. It is hashed when that is asked for: best while the server is busy with others. */
export class UnhashedToken implements NewToken {
    readonly resumeToken: string;
    #entry: TokenEntry | undefined;

    constructor(resumeToken: string) {
        this.resumeToken = resumeToken;
    }

    get entry(): TokenEntry {
        return (this.#entry ??= tokenEntry(this.resumeToken));
    }

    get key(): string {
        return this.entry.key;
    }
}

/** Where a token was found or put. */
export interface Placement {
    readonly sequence: number;
    /** Whether it was stored by this call; `false`: it was there, perhaps from a try of this call whose answer was lost. */
    readonly isNew: boolean;
    /** Its watermark, where it was there and that is not its place. */
    readonly importedAs?: LexiVersion | undefined;
}

/** The watermark of a token that was found or put somewhere. */
export function watermarkAt({ sequence, importedAs }: Placement, { entry }: NewToken): LexiVersion {
    return importedAs ?? watermarkOf(sequence, entry.check);
}

/** Those that were not found or placed. */
export function missingOf(tokens: readonly NewToken[], found: ReadonlyMap<string, Placement>): readonly NewToken[] {
    return found.size === 0 ? tokens : tokens.filter(token => !found.has(token.key));
}

/** Those that were found although one before them was not. */
export function behindMissing(tokens: readonly NewToken[], found: ReadonlyMap<string, Placement>): readonly NewToken[] {
    const firstMissing = tokens.findIndex(({ key }) => !found.has(key));
    return firstMissing < 0 ? [] : tokens.slice(firstMissing).filter(({ key }) => found.has(key));
}
