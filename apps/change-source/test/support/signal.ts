/** Tells those who wait for a condition that something has changed. */
export class Signal {
    readonly #waiting = new Set<() => void>();

    give(): void {
        for (const wake of this.#waiting) {
            wake();
        }
    }

    /**
     * Resolves once the condition holds, which is looked at whenever something has changed.
     *
     * @throws {Error} after `timeoutMs`, saying what was awaited
     */
    until(what: string, condition: () => boolean, timeoutMs: number): Promise<void> {
        return new Promise((resolve, reject) => {
            const look = () => {
                if (condition()) {
                    end();
                    resolve();
                }
            };
            const end = () => {
                clearTimeout(timer);
                this.#waiting.delete(look);
            };
            const timer = setTimeout(() => {
                end();
                reject(new Error(`Waited ${timeoutMs} ms in vain for ${what}.`));
            }, timeoutMs);
            this.#waiting.add(look);
            look();
        });
    }
}
