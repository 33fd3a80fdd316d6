import type { RecordRow, RecordTable } from './record-table.js';

/** How many revisions are read at once. */
const PAGE = 500;

/** Reads on in the revisions, page by page. */
export class RowReader {
    #after: number;
    /** Whether revisions that a newer one of their key has replaced are left out, until the end is reached. */
    #onlyCurrent: boolean;
    readonly #onSetBack: () => void;
    /** What was read last. */
    #records: RecordTable | undefined;

    private constructor(after: number, onlyCurrent: boolean, onSetBack: () => void) {
        this.#after = after;
        this.#onlyCurrent = onlyCurrent;
        this.#onSetBack = onSetBack;
    }

    /**
     * Begins with what is there.
     *
     * @param onSetBack called when the database has become another one, or there is less in it than was read from it,
     *   before it is read from the start
     */
    static fromStart(onSetBack: () => void = () => {}): RowReader {
        return new RowReader(0, true, onSetBack);
    }

    /**
     * Begins with what comes.
     *
     * @param onSetBack as for {@link fromStart}
     */
    static fromEnd(records: RecordTable, onSetBack: () => void = () => {}): RowReader {
        return new RowReader(records.head(), false, onSetBack);
    }

    /** The revision up to which everything was read. */
    get position(): number {
        return this.#after;
    }

    /** The next revisions; none at the end. */
    next(records: RecordTable): readonly RecordRow[] {
        const isAnother = this.#records !== undefined && this.#records !== records && this.#after > 0;
        if (isAnother || records.head() < this.#after) {
            this.#onSetBack();
            this.beginAnew();
        }
        this.#records = records;
        const rows = this.#onlyCurrent ? records.currentAfter(this.#after, PAGE) : records.after(this.#after, PAGE);
        this.#after = rows.at(-1)?.revision ?? this.#after;
        this.#onlyCurrent &&= rows.length > 0;
        return rows;
    }

    /** Goes on with what the database holds now: it has become another one. */
    beginAnew(): void {
        this.#after = 0;
        this.#onlyCurrent = true;
    }
}
