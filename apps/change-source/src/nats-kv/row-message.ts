import { type Row, type RowOrProblem, rowOf } from '../schema/row.js';
import type { TableSchema } from '../schema/schema.js';
import type { RowChange } from '../upstream/upstream-source.js';
import { decodeRowKey } from './row-key.js';

/** One revision of one key of the bucket. */
export interface RowMessage {
    readonly key: string;
    readonly sequence: number;
    /** When the server stored it, in ms since the epoch. */
    readonly storedAt: number;
    /** How many more the server had for us when it sent this one. */
    readonly pending: number;
    /** Whether the key was deleted, purged, or has expired. */
    readonly isDeleted: boolean;
    readonly data: Uint8Array;
}

/** What a revision means for the rows. */
export interface Interpretation {
    /** `undefined`: nothing, for example because the table is not in the schema. */
    readonly change?: RowChange;
    /** Why it is not taken as it is. */
    readonly problem?: string;
}

/**
 * Reads a revision.
 *
 * A value that is no row of its table takes the row away, as if it had been deleted: otherwise the replica would show the
 * row that was there before, or not, depending on when it was made.
 */
export function interpret(tables: ReadonlyMap<string, TableSchema>, message: RowMessage): Interpretation {
    const { key: name, isDeleted, data, sequence } = message;
    const dot = name.indexOf('.');
    const table = tables.get(name.slice(0, Math.max(dot, 0)));
    if (table === undefined) {
        return {};
    }
    const key = decodeRowKey(table, name.slice(dot + 1));
    // Quoted: NATS takes control characters in subjects, which would reach whoever reads the log in a terminal.
    const quoted = JSON.stringify(name);
    if (key === undefined) {
        const wanted = table.primaryKey.map(column => `<${column}>`).join('.');
        return { problem: `key ${quoted}, revision ${sequence}: expected ${table.name}.${wanted}; it is left out` };
    }
    const gone: RowChange = { kind: 'delete', table: table.name, key };
    if (isDeleted) {
        return { change: gone };
    }
    const result = parse(data, table, key);
    return 'row' in result
        ? { change: { kind: 'put', table: table.name, row: result.row } }
        : {
              change: gone,
              problem: `key ${quoted}, revision ${sequence}: ${result.problem}; there is no such row for Zero`
          };
}

/** Bytes that are no text would otherwise become another text without a word. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function parse(data: Uint8Array, table: TableSchema, key: Row): RowOrProblem {
    let value: unknown;
    try {
        value = JSON.parse(strictUtf8.decode(data));
    } catch {
        return { problem: 'expected JSON' };
    }
    return rowOf(table, value, key);
}
