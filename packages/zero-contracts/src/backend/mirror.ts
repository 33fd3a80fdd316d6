import type { Watermark, WatermarkChange } from '../watermark.js';

/**
 * The watermarks of a view, each at the newest revision that was heard of.
 *
 * News comes in two ways: the store tells of all writes in the order of their revisions, and this process knows of its own
 * writes before that. So what the store tells may be older than what is here, and is then passed over.
 */
export class Mirror {
    readonly #entries = new Map<string, Watermark>();
    /** Keys that this process has deleted, with the revisions of that, until the store has told as much. */
    readonly #deleted = new Map<string, number>();
    /** The store has told of everything up to here. */
    #toldUpTo = 0;
    /** The keys of which it is not known whether they are still there since the store's data was replaced. */
    #unconfirmed: Set<string> | undefined;

    get entries(): ReadonlyMap<string, Readonly<Watermark>> {
        return this.#entries;
    }

    /** What the store tells, in the order of the revisions. Gives the change, if it is one here. */
    told(change: WatermarkChange): WatermarkChange | undefined {
        const { key, revision } = placeOf(change);
        this.#toldUpTo = Math.max(this.#toldUpTo, revision);
        // What stands here of data that was replaced is no reason to pass over what stands in its place.
        const replaced = this.#unconfirmed?.delete(key) === true;
        const passedOver = !replaced && revision < this.#revisionOf(key);
        this.#forgetDeletionsUpTo(revision);
        if (passedOver) {
            return undefined;
        }
        const before = this.#entries.get(key);
        const applied = this.#apply(change);
        return isSame(before, change, replaced) ? undefined : applied;
    }

    /** What this process has written, when the store has acknowledged it. Gives the change, if it is one here. */
    wrote(change: WatermarkChange): WatermarkChange | undefined {
        const { key, revision } = placeOf(change);
        if (revision <= this.#toldUpTo || revision <= this.#revisionOf(key)) {
            return undefined;
        }
        if (change.type === 'delete') {
            this.#deleted.set(key, revision);
        } else {
            this.#deleted.delete(key);
        }
        return this.#apply(change);
    }

    /** The store holds other data than before, and begins to tell of all that is there. */
    begunAnew(): void {
        this.#deleted.clear();
        this.#toldUpTo = 0;
        this.#unconfirmed = new Set(this.#entries.keys());
    }

    /** All that is there has been told. Gives the deletions of what is gone without a word, at a time in milliseconds. */
    complete(timestamp: number): readonly WatermarkChange[] {
        const gone = [...(this.#unconfirmed ?? [])];
        this.#unconfirmed = undefined;
        return gone.flatMap(key => {
            const revision = this.#entries.get(key)?.revision ?? 0;
            return this.#apply({ type: 'delete', key, revision, timestamp }) ?? [];
        });
    }

    #apply(change: WatermarkChange): WatermarkChange | undefined {
        if (change.type === 'delete') {
            return this.#entries.delete(change.key) ? change : undefined;
        }
        this.#entries.set(change.watermark.key, deeplyFrozen(change.watermark));
        return change;
    }

    /** The revision of a key here, also of its deletion. */
    #revisionOf(key: string): number {
        return this.#entries.get(key)?.revision ?? this.#deleted.get(key) ?? 0;
    }

    #forgetDeletionsUpTo(revision: number): void {
        if (this.#deleted.size > 0) {
            for (const [key, at] of this.#deleted) {
                if (at <= revision) {
                    this.#deleted.delete(key);
                }
            }
        }
    }
}

/** The key and the revision that a change is about. */
export function placeOf(change: WatermarkChange): { readonly key: string; readonly revision: number } {
    return change.type === 'set' ? change.watermark : change;
}

/** Whether the store tells of the write that is here already. Of other data, the same revision may be another write. */
function isSame(before: Watermark | undefined, change: WatermarkChange, replaced: boolean): boolean {
    return (
        change.type === 'set' &&
        before?.revision === change.watermark.revision &&
        (!replaced || before.timestamp === change.watermark.timestamp)
    );
}

function deeplyFrozen<T extends object>(value: T): T {
    for (const part of Object.values(value)) {
        if (typeof part === 'object' && part !== null) {
            deeplyFrozen(part);
        }
    }
    return Object.freeze(value);
}
