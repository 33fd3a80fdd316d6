import type { Row } from '../schema/row.js';

/** One change of one row. */
export type RowChange =
    /** The whole row as it is now, whether or not it was there before. */
    | { readonly kind: 'put'; readonly table: string; readonly row: Row }
    /** The columns that changed and the primary key; `oldKey` when the change was to the primary key itself. */
    | { readonly kind: 'update'; readonly table: string; readonly row: Row; readonly oldKey?: Row }
    /** The row with this primary key is gone, or was never there. */
    | { readonly kind: 'delete'; readonly table: string; readonly key: Row };

/** What the upstream committed together. */
export interface UpstreamTransaction {
    /** Right after this transaction: what `changesAfter` is called with to go on. */
    readonly position: string;
    /** May be empty: the position moved, but nothing that is published changed. */
    readonly changes: readonly RowChange[];
}

/** All rows, as of a position or later. */
export interface Snapshot {
    readonly position: string;
    /**
     * Every row that is there. What changes while they are read may be in it or not, may come more than once and may be
     * deleted again, because all changes after `position` follow.
     */
    readonly changes: AsyncIterable<RowChange>;
}

/** The upstream no longer knows what came after a position; all rows have to be read anew. */
export class PositionLostError extends Error {
    override readonly name = 'PositionLostError';
}

/**
 * Where rows and their changes come from: the one class to write to put Zero in front of another database.
 *
 * Several instances, in several processes, read at once and take over from each other.
 */
export abstract class UpstreamSource {
    /**
     * Reads all rows: first the position, then the rows.
     *
     * @param signal aborts when nobody wants them any more
     */
    abstract snapshot(signal: AbortSignal): Promise<Snapshot>;

    /**
     * What was committed after a position, in upstream order, and then what comes, until the signal aborts.
     *
     * Whoever reads, and how often: the transactions have the same positions in the same order. One that was seen may be
     * gone later (when its rows have changed again since), but none may appear before one that was seen.
     *
     * @throws {PositionLostError} when this position is no longer, or was never, one of this upstream's
     */
    abstract changesAfter(position: string, signal: AbortSignal): AsyncIterable<UpstreamTransaction>;
}
