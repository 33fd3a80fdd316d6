/** Tells those who wait for a condition that something has changed. */
export class Signal {
    readonly #waiting = new Set<() => void>();
    readonly #end: AbortSignal | undefined;
    readonly #state: () => string;

    /**
     * @param end when it aborts, nobody waits any longer
     * @param state says how things are, to whoever has waited in vain
     */
    constructor(end?: AbortSignal, state = () => '') {
        this.#end = end;
        this.#state = state;
    }

    give(): void {
        for (const wake of this.#waiting) {
            wake();
        }
    }

    /**
     * Resolves once the condition holds, which is looked at whenever something has changed.
     *
     * @throws {Error} after `timeoutMs`, saying what was awaited and how things are; or the reason of the end
     */
    until(what: string, condition: () => boolean, timeoutMs: number): Promise<void> {
        return new Promise((resolve, reject) => {
            const look = () => {
                if (condition()) {
                    settle(resolve);
                }
            };
            const giveUp = () => settle(() => reject(this.#end?.reason as Error));
            const settle = (how: () => void) => {
                clearTimeout(timer);
                this.#waiting.delete(look);
                this.#end?.removeEventListener('abort', giveUp);
                how();
            };
            const fail = () => {
                const message = `Waited ${timeoutMs} ms in vain for ${what}. ${this.#state()}`.trimEnd();
                settle(() => reject(new Error(message)));
            };
            const timer = setTimeout(fail, timeoutMs);
            this.#waiting.add(look);
            this.#end?.addEventListener('abort', giveUp);
            look();
            if (this.#end?.aborted === true) {
                giveUp();
            }
        });
    }
}
