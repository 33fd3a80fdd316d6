import type { LexiVersion } from '@cbnsndwch/zero-contracts';

import { type NewToken, type Placement, watermarkAt } from './new-token.js';
import { isSyncKey } from './stored-token.js';

/** How many tokens are remembered at least, so that asking again costs no round trip; at most twice as many. */
const CAPACITY = 10_000;

/**
 * The tokens that were asked for last, with their watermarks.
 *
 * Two generations: when the young one is full it takes the place of the old one. Removing the oldest entry of one map at
 * each insertion was seen to cost ten times as much, because a map keeps the places of removed entries for a while.
 */
export class RecentTokens {
    #young = new Map<string, LexiVersion>();
    #old = new Map<string, LexiVersion>();
    #clearings = 0;

    /** How often everything was forgotten. */
    get clearings(): number {
        return this.#clearings;
    }

    get(resumeToken: string): LexiVersion | undefined {
        return this.#young.get(resumeToken) ?? this.#old.get(resumeToken);
    }

    set(resumeToken: string, watermark: LexiVersion): void {
        this.#young.set(resumeToken, watermark);
        if (this.#young.size >= CAPACITY) {
            this.#old = this.#young;
            this.#young = new Map();
        }
    }

    /** Remembers tokens that were found or put at a sequence or behind it; syncs are not asked for again. */
    add(tokens: readonly NewToken[], found: ReadonlyMap<string, Placement>, fromSequence: number): void {
        for (const token of tokens) {
            const placement = found.get(token.key);
            if (placement !== undefined && placement.sequence >= fromSequence && !isSyncKey(token.key)) {
                this.set(token.resumeToken, watermarkAt(placement, token));
            }
        }
    }

    clear(): void {
        this.#young.clear();
        this.#old.clear();
        this.#clearings += 1;
    }
}
