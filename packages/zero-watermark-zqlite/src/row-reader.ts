import type { RecordRow, RecordTable } from './record-table.js';

/** How many revisions are read at once. */
const PAGE = 500;

/** Reads on in the revisions, page by page. */
export class RowReader {
    #after: number;
    /** Whether revisions that a newer one of their key has replaced are left out, until the end is reached. */
    #onlyCurrent: boolean;
    readonly #onSetBack: () => void;

    private constructor(after: number, onlyCurrent: boolean, onSetBack: () => void) {
        this.#after = after;
        this.#onlyCurrent = onlyCurrent;
        this.#onSetBack = onSetBack;
    }

    /** Begins with what is there. */
    static fromStart(): RowReader {
        return new RowReader(0, true, () => {});
    }

    /**
     * Begins with what comes.
     *
     * @param onSetBack called when there is less in the database than was read from it, before it is read from the start
     */
    static fromEnd(records: RecordTable, onSetBack: () => void = () => {}): RowReader {
        return new RowReader(records.head(), false, onSetBack);
    }

    /** The next revisions; none at the end. */
    next(records: RecordTable): readonly RecordRow[] {
        if (records.head() < this.#after) {
            this.#onSetBack();
            this.beginAnew();
        }
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
