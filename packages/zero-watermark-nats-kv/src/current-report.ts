import type { WatermarkChange } from '@cbnsndwch/zero-contracts';

/**
 * What belongs into a report that begins with what is there: until all of that is told, a deletion only if its watermark
 * was told before.
 *
 * A bucket keeps the marks of deletions, so that those of the past come with what is there. And the server that hosts a
 * feed may lag behind the one that said where it begins: it then gives a watermark of the past, and its mark after it.
 */
export class CurrentReport {
    /** The keys that were told of; `undefined` once all that is there was. */
    #told: Set<string> | undefined;

    constructor(includeCurrent: boolean) {
        this.#told = includeCurrent ? new Set() : undefined;
    }

    /** Whether this belongs into the report, of which it then is a part. */
    takes(entry: WatermarkChange): boolean {
        if (this.#told === undefined) {
            return true;
        }
        if (entry.type === 'delete') {
            return this.#told.delete(entry.key);
        }
        this.#told.add(entry.watermark.key);
        return true;
    }

    /** All that is there was told: whatever comes is a change. Gives whether that is to be said, which it is once. */
    complete(): boolean {
        const wasIncomplete = this.#told !== undefined;
        this.#told = undefined;
        return wasIncomplete;
    }
}
