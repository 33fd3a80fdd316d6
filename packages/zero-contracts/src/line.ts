/** The place of one item in a {@link Line}. */
export interface Place<Item> {
    /** `undefined`: not settled yet. */
    item: Item | undefined;
}

/**
 * Items on their way from a producer to a consumer: they stand in the order in which their places were taken, are settled
 * in any order, and leave from the front. Only so many may stand in it.
 *
 * Nobody waits for a promise an item: races of many promises with one that lives long keep all of them alive, and would
 * be most of what an item costs.
 */
export class Line<Item> {
    readonly #capacity: number;
    readonly #places: Place<Item>[] = [];
    #closed = false;
    #wakeProducer: (() => void) | undefined;
    #wakeConsumer: (() => void) | undefined;

    constructor(capacity: number) {
        this.#capacity = capacity;
    }

    get closed(): boolean {
        return this.#closed;
    }

    /** Takes the next place, to be settled later. */
    join(): Place<Item> {
        const place = { item: undefined };
        this.#places.push(place);
        return place;
    }

    settle(place: Place<Item>, item: Item): void {
        place.item = item;
        if (place === this.#places[0]) {
            this.#wakeConsumer?.();
        }
    }

    /** The first item if it is settled; it leaves the line. */
    take(): Item | undefined {
        const item = this.#places[0]?.item;
        if (item !== undefined) {
            this.#places.shift();
            this.#wakeProducer?.();
        }
        return item;
    }

    /** The first item, once it is settled; `undefined` when the line is closed. */
    async next(): Promise<Item | undefined> {
        while (!this.#closed && this.#places[0]?.item === undefined) {
            await new Promise<void>(resolve => (this.#wakeConsumer = resolve));
        }
        return this.take();
    }

    get hasRoom(): boolean {
        return !this.#closed && this.#places.length < this.#capacity;
    }

    /** Waits for a place to be free; `false`: the line was closed. */
    async room(): Promise<boolean> {
        while (!this.#closed && !this.hasRoom) {
            await new Promise<void>(resolve => (this.#wakeProducer = resolve));
        }
        return !this.#closed;
    }

    /** Lets go of all items, and of whoever waits. */
    close(): void {
        this.#closed = true;
        this.#places.length = 0;
        this.#wakeProducer?.();
        this.#wakeConsumer?.();
    }
}
