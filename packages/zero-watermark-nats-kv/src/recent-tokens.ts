import type { LexiVersion } from '@cbnsndwch/zero-contracts';

/** How many tokens are remembered, so that asking again costs no round trip. */
const CAPACITY = 10_000;

/** The tokens that were asked for last, with their watermarks. */
export class RecentTokens {
    readonly #watermarks = new Map<string, LexiVersion>();

    get(resumeToken: string): LexiVersion | undefined {
        return this.#watermarks.get(resumeToken);
    }

    set(resumeToken: string, watermark: LexiVersion): void {
        this.#watermarks.set(resumeToken, watermark);
        if (this.#watermarks.size > CAPACITY) {
            const oldest = this.#watermarks.keys().next();
            if (oldest.done !== true) {
                this.#watermarks.delete(oldest.value);
            }
        }
    }

    clear(): void {
        this.#watermarks.clear();
    }
}
