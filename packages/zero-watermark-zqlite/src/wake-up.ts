/** Lets one wait for a signal of another. A signal that comes before the wait is not lost. */
export class WakeUp {
    #signalled = false;
    #wake: (() => void) | undefined;

    signal(): void {
        this.#signalled = true;
        this.#wake?.();
    }

    /** Resolves at the next signal, or at once when there was one since the last wait. */
    async wait(): Promise<void> {
        if (!this.#signalled) {
            await new Promise<void>(resolve => (this.#wake = resolve));
        }
        this.#signalled = false;
    }
}
