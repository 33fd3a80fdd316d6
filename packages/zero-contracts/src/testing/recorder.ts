import type { WatermarkLogger } from '../store.js';
import { show } from './expect.js';

/** What a promise resolves with; fails when that does not come in time. */
export async function within<T>(patienceMs: number, promise: Promise<T>, what: () => string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
            () => reject(new Error(`Within ${patienceMs} ms there was nothing of ${what()}`)),
            patienceMs
        );
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

/** Takes down what happens, and lets a case wait for it. */
export class Recorder<T> {
    readonly #patienceMs: number;
    readonly #items: T[] = [];
    #wake: () => void = () => {};

    constructor(patienceMs: number) {
        this.#patienceMs = patienceMs;
    }

    /** All so far, oldest first. */
    get items(): readonly T[] {
        return this.#items;
    }

    /** Takes something down. Bound, so that it can be handed on. */
    readonly add = (item: T): void => {
        this.#items.push(item);
        this.#wake();
    };

    /** Resolves once `enough` says so of what was taken down; for one waiter at a time. */
    async until(what: string, enough: (items: readonly T[]) => boolean): Promise<readonly T[]> {
        const waiting = (async () => {
            while (!enough(this.#items)) {
                await new Promise<void>(resolve => (this.#wake = resolve));
            }
            return this.#items;
        })();
        return within(this.#patienceMs, waiting, () => `${what}; so far ${show(this.#items)}`);
    }

    /** Resolves with the item at this place, counted from 0, once it is there. */
    async at(index: number, what: string): Promise<T> {
        const items = await this.until(what, ({ length }) => length > index);
        return items[index] as T;
    }
}

/** A logger that can be waited on. */
export class RecordedLog extends Recorder<{ readonly level: 'warn' | 'error'; readonly text: string }> {
    readonly logger: WatermarkLogger = {
        warn: message => this.add({ level: 'warn', text: message }),
        error: (message, error) => this.add({ level: 'error', text: `${message} ${String(error ?? '')}` })
    };
}
