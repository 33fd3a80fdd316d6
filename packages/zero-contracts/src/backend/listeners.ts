import { runSafely } from './run-safely.js';

/** Functions of the application that want to know of something. */
export class Listeners<Value> {
    readonly #all = new Set<(value: Value) => void>();

    /** Calls back each time, until the returned function is called. */
    add(listener: (value: Value) => void): () => void {
        // A function of its own, so that one that is given twice is called twice, and ended once.
        const own = (value: Value) => listener(value);
        this.#all.add(own);
        return () => void this.#all.delete(own);
    }

    /** Calls them one after the other; what they throw or reject with goes to `report`. */
    tell(value: Value, report: (error: unknown) => void): void {
        for (const listener of [...this.#all]) {
            // One that was called before may have ended it.
            if (this.#all.has(listener)) {
                runSafely(() => listener(value), report);
            }
        }
    }

    clear(): void {
        this.#all.clear();
    }
}
