import { type QuakeRow, type RowChange, Signal } from '@cbnsndwch/zero-stage';

/** How many arrivals are kept to be shown. */
const KEPT = 50;

/** A change of an earthquake that has reached the client. */
export interface Arrival extends RowChange<QuakeRow> {
    /** How long before that its writing began; `undefined` when that was before anybody looked. */
    readonly tookMs: number | undefined;
}

/** What the client got, and how long it took from the upstream. Times are of one monotonic clock, in milliseconds. */
export class Arrivals {
    readonly #changed: Signal;
    readonly #written = new Map<string, number>();
    readonly #durations: number[] = [];
    #latest: readonly Arrival[] = [];
    #newest = -Infinity;

    constructor(signal?: AbortSignal) {
        this.#changed = new Signal(signal);
    }

    /** The last ones, newest first. */
    get latest(): readonly Arrival[] {
        return this.#latest;
    }

    /** How many there were. */
    get count(): number {
        return this.#durations.length;
    }

    /** Half of all took longer. */
    get medianMs(): number {
        return this.#durations.toSorted((a, b) => a - b)[Math.floor(this.count / 2)] ?? 0;
    }

    /** A row is about to be written or removed under this key of the upstream. */
    writing(key: string, now: number): void {
        this.#written.set(key, now);
    }

    /** The client has got a change. */
    arrived(change: RowChange<QuakeRow>, now: number): Arrival {
        const writtenAt = this.#written.get(`quake.${change.row.id}`);
        const arrival = { ...change, tookMs: writtenAt === undefined ? undefined : now - writtenAt };
        this.#latest = [arrival, ...this.#latest].slice(0, KEPT);
        if (writtenAt !== undefined) {
            this.#durations.push(now - writtenAt);
            this.#newest = Math.max(this.#newest, writtenAt);
        }
        this.#changed.give();
        return arrival;
    }

    /** Resolves when a row has arrived whose writing began after a time. */
    writtenAfter(time: number, timeoutMs: number): Promise<void> {
        return this.#changed.until('a new row to reach the client', () => this.#newest > time, timeoutMs);
    }
}
