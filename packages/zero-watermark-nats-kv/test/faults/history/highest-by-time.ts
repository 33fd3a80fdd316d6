/** The highest of the texts that had come up at some time, in string order. */
export class HighestByTime {
    readonly #steps: { readonly atMs: number; readonly highest: string }[] = [];

    constructor(events: Iterable<{ readonly atMs: number; readonly text: string }>) {
        let highest = '';
        for (const { atMs, text } of [...events].sort((a, b) => a.atMs - b.atMs)) {
            if (text > highest) {
                highest = text;
                this.#steps.push({ atMs, highest });
            }
        }
    }

    /** The highest of those that came up no later; empty when there are none. */
    upTo(ms: number): string {
        let [low, high] = [0, this.#steps.length];
        while (low < high) {
            const middle = (low + high) >>> 1;
            if ((this.#steps[middle]?.atMs ?? Infinity) <= ms) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return this.#steps[low - 1]?.highest ?? '';
    }
}
