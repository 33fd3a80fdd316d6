import type { ColumnType, TableSchema } from './schema.js';

/** A value as it travels in JSON. */
export type JsonValue =
    null | string | number | boolean | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** A row, or some columns of one. */
export type Row = Readonly<Record<string, JsonValue>>;

/** A row that fits its table, or why it doesn't. */
export type RowOrProblem = { readonly row: Row } | { readonly problem: string };

/**
 * Makes a row of a table from a JSON value: optional columns that are missing become `null`, columns that the table does
 * not have are left out.
 *
 * @param key values of the primary key that are known from elsewhere: they fill in what is missing, and must not differ
 */
export function rowOf(table: TableSchema, value: unknown, key: Row = {}): RowOrProblem {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return { problem: 'expected a JSON object' };
    }
    const given = value as Row;
    const row: Record<string, JsonValue> = {};
    for (const [column, { type, optional }] of table.columns) {
        const found = ownValue(given, column) ?? ownValue(key, column) ?? null;
        if (found === null ? !optional && type !== 'json' : !fits(found, type)) {
            const kind = found === null ? 'nothing' : Array.isArray(found) ? 'a list' : typeof found;
            return { problem: `column ${column}: expected ${type}, found ${kind}` };
        }
        const known = ownValue(key, column);
        if (known !== undefined && found !== known) {
            return { problem: `column ${column}: differs from the key` };
        }
        row[column] = found;
    }
    return { row };
}

function ownValue(row: Row, column: string): JsonValue | undefined {
    return Object.hasOwn(row, column) ? row[column] : undefined;
}

function fits(value: JsonValue, type: ColumnType): boolean {
    return type === 'json' || typeof value === type;
}
