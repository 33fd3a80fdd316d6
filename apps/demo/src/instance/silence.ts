/**
 * Tells how long nobody has written a watermark, in rounds of looking at all of them.
 *
 * Rounds and not seconds: while the store doesn't answer there are no rounds, so an owner that could not write then is
 * not taken for dead. And no two clocks are ever compared.
 */
export class Silence {
    readonly #seen = new Map<string, { readonly revision: number | undefined; readonly rounds: number }>();

    /** The number of rounds, before this one, in which the revision was the same. */
    observe(network: string, revision: number | undefined): number {
        const before = this.#seen.get(network);
        const rounds = before !== undefined && before.revision === revision ? before.rounds + 1 : 0;
        this.#seen.set(network, { revision, rounds });
        return rounds;
    }

    /** Begins to count anew. */
    forget(network: string): void {
        this.#seen.delete(network);
    }
}
