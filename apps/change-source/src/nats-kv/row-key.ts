import type { JsonValue, Row } from '../schema/row.js';
import type { ColumnType, TableSchema } from '../schema/schema.js';

/**
 * The part of a row's key that stands after `<table>.`: the values of its primary key, with a dot between two columns.
 *
 * Letters, digits, `-`, `_` and `/` stand as they are, and so does a dot inside the last value; each other byte is written
 * `=XX`. So two rows never share a key, and a key that NATS allows mostly is what it says: `users.jane.doe`.
 */
export function encodeRowKey({ primaryKey }: TableSchema, row: Row): string {
    const last = primaryKey.length - 1;
    return primaryKey.map((column, index) => encodePart(textOf(row[column]), index === last)).join('.');
}

/** The values of the primary key; `undefined` when {@link encodeRowKey} would not have made this key. */
export function decodeRowKey(table: TableSchema, key: string): Row | undefined {
    const parts = key.split('.');
    const last = table.primaryKey.length - 1;
    const texts = [...parts.slice(0, last), parts.slice(last).join('.')];
    const row: Record<string, JsonValue> = {};
    for (const [index, column] of table.primaryKey.entries()) {
        const value = decodePart(texts[index] ?? '', table.columns.get(column)?.type);
        if (value === undefined) {
            return undefined;
        }
        row[column] = value;
    }
    return encodeRowKey(table, row) === key ? row : undefined;
}

function encodePart(text: string, mayHaveDots: boolean): string {
    const bytes = new TextEncoder().encode(text);
    let encoded = '';
    for (const [index, byte] of bytes.entries()) {
        const character = String.fromCharCode(byte);
        // NATS allows no empty part: neither at the ends nor between two dots.
        const mayBeDot: boolean = mayHaveDots && index > 0 && index < bytes.length - 1 && !encoded.endsWith('.');
        const stands = /[-\w/]/.test(character) || (character === '.' && mayBeDot);
        encoded += stands ? character : `=${hex(byte)}`;
    }
    return encoded;
}

function decodePart(text: string, type: ColumnType | undefined): JsonValue | undefined {
    const bytes = Buffer.from(
        text.replaceAll(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
        'latin1'
    );
    const value = bytes.toString('utf8');
    if (value === '') {
        return undefined;
    }
    switch (type) {
        case 'number':
            return Number.isFinite(Number(value)) ? Number(value) : undefined;
        case 'boolean':
            return value === 'true' ? true : value === 'false' ? false : undefined;
        default:
            return value;
    }
}

/** A key holds strings, numbers and booleans only. */
function textOf(value: JsonValue | undefined): string {
    return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function hex(byte: number): string {
    return byte.toString(16).toUpperCase().padStart(2, '0');
}
