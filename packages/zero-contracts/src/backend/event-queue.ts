/** Hands events from callbacks to an async iteration, in order. */
export class EventQueue<Event> {
    #items: ({ readonly event: Event } | { readonly taken: () => void })[] = [];
    #ended = false;
    #wakeUp: (() => void) | undefined;
    #tellEnded: () => void = () => {};
    /** Resolves at {@link end}. */
    readonly ended = new Promise<void>(resolve => (this.#tellEnded = resolve));

    push(event: Event): void {
        this.#add({ event });
    }

    /** Calls back once everything that was pushed before has been taken: the producer need not run ahead of that. */
    whenTaken(taken: () => void): void {
        this.#add({ taken });
    }

    /** Ends the iteration; what was not taken by then is dropped. */
    end(): void {
        this.#ended = true;
        this.#items = [];
        this.#wakeUp?.();
        this.#tellEnded();
    }

    /** The events, until {@link end}. For one consumer. */
    async *drain(): AsyncGenerator<Event, void, undefined> {
        while (!this.#ended) {
            const items = this.#items;
            this.#items = [];
            for (const item of items) {
                if (this.#ended) {
                    return;
                }
                if ('event' in item) {
                    yield item.event;
                } else {
                    item.taken();
                }
            }
            if (this.#items.length === 0 && !this.#ended) {
                await new Promise<void>(resolve => (this.#wakeUp = resolve));
                this.#wakeUp = undefined;
            }
        }
    }

    #add(item: { readonly event: Event } | { readonly taken: () => void }): void {
        if (!this.#ended) {
            this.#items.push(item);
            this.#wakeUp?.();
        }
    }
}
