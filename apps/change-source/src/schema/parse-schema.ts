import type { ColumnSchema, ColumnType, Schema, TableSchema } from './schema.js';

/** The schema can't be used; the message lists every problem. */
export class InvalidSchemaError extends Error {
    override readonly name = 'InvalidSchemaError';

    constructor(readonly problems: readonly string[]) {
        super(`The schema can't be used:\n${problems.map(problem => `- ${problem}`).join('\n')}`);
    }
}

/** The short form in which a schema is written, for example as JSON. */
export interface SchemaSource {
    readonly tables: Readonly<
        Record<
            string,
            {
                readonly primaryKey: readonly string[];
                /** Type of each column: `string`, `number`, `boolean`, `json`, with `?` after it if it may be missing. */
                readonly columns: Readonly<Record<string, `${ColumnType}${'' | '?'}`>>;
            }
        >
    >;
    readonly publications?: Readonly<Record<string, readonly string[]>>;
}

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;
const TYPE = /^(string|number|boolean|json)(\??)$/;

/**
 * Reads a schema.
 *
 * @throws {InvalidSchemaError} with every problem that was found
 */
export function parseSchema(source: unknown): Schema {
    const problems: string[] = [];
    const tables = new Map<string, TableSchema>();
    const { tables: given, publications = {} } = isRecord(source) ? source : {};
    if (!isRecord(given) || Object.keys(given).length === 0) {
        throw new InvalidSchemaError(['expected an object with "tables", and at least one table in it']);
    }
    for (const [name, table] of Object.entries(given)) {
        if (!NAME.test(name)) {
            problems.push(`table ${JSON.stringify(name)}: expected a letter, then letters, digits and _ (at most 63)`);
        }
        tables.set(name, parseTable(name, table, problems));
    }
    const groups = parsePublications(publications, tables, problems);
    if (problems.length > 0) {
        throw new InvalidSchemaError(problems);
    }
    return { tables, publications: groups };
}

function parseTable(name: string, table: unknown, problems: string[]): TableSchema {
    const { primaryKey, columns: given } = isRecord(table) ? table : {};
    const columns = new Map<string, ColumnSchema>();
    for (const [column, type] of Object.entries(isRecord(given) ? given : {})) {
        const [, base, optional] = (typeof type === 'string' ? TYPE.exec(type) : undefined) ?? [];
        if (!NAME.test(column)) {
            problems.push(`${name}.${column}: expected a letter, then letters, digits and _ (at most 63)`);
        }
        if (base === undefined) {
            problems.push(`${name}.${column}: expected string, number, boolean or json, with ? if it may be missing`);
        }
        columns.set(column, { type: (base ?? 'json') as ColumnType, optional: optional === '?' });
    }
    if (columns.size === 0) {
        problems.push(`${name}: expected "columns", an object from names to types`);
    }
    const key = isNames(primaryKey) ? primaryKey : [];
    if (key.length === 0 || new Set(key).size < key.length) {
        problems.push(`${name}: expected "primaryKey", a list of one or more different columns`);
    }
    for (const column of key) {
        const { type, optional } = columns.get(column) ?? {};
        if (type === undefined || type === 'json' || optional === true) {
            problems.push(
                `${name}: the primary key has ${column}; expected a column that is not json and not optional`
            );
        }
    }
    return { name, primaryKey: key, columns };
}

function parsePublications(
    given: unknown,
    tables: ReadonlyMap<string, TableSchema>,
    problems: string[]
): Map<string, readonly string[]> {
    const publications = new Map<string, readonly string[]>();
    if (!isRecord(given)) {
        problems.push('"publications": expected an object from names to lists of tables');
        return publications;
    }
    for (const [name, names] of Object.entries(given)) {
        if (!isNames(names) || !names.every(table => tables.has(table))) {
            problems.push(`publication ${name}: expected a list of tables of this schema`);
        } else {
            publications.set(name, names);
        }
    }
    return publications;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNames(value: unknown): value is readonly string[] {
    return Array.isArray(value) && value.every(name => typeof name === 'string');
}
