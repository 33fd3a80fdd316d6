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
        const problem = problemOf(found);
        if (problem !== undefined) {
            return { problem: `column ${column}: ${problem}` };
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

/** Far below what ends the stack, here or in zero-cache. */
const MAX_DEPTH = 200;

/**
 * What keeps a value from arriving as it is, whatever type it has: JSON may hold numbers that are infinite here, texts that
 * have no UTF-8 form, and more levels than can be written again. One such row would end the stream, each time it is read.
 */
function problemOf(value: JsonValue, depth = 0): string | undefined {
    if (typeof value === 'string') {
        return value.isWellFormed() ? undefined : 'expected well-formed Unicode, found half a surrogate pair';
    }
    if (typeof value === 'number') {
        return Number.isFinite(value) ? undefined : 'expected a finite number, found one that is too large';
    }
    if (typeof value !== 'object' || value === null) {
        return undefined;
    }
    if (depth >= MAX_DEPTH) {
        return `expected at most ${MAX_DEPTH} levels of lists and objects, found more`;
    }
    const parts: readonly JsonValue[] = Array.isArray(value) ? value : Object.entries(value).flat();
    for (const part of parts) {
        const problem = problemOf(part, depth + 1);
        if (problem !== undefined) {
            return problem;
        }
    }
    return undefined;
}

function fits(value: JsonValue, type: ColumnType): boolean {
    return type === 'json' || typeof value === type;
}
