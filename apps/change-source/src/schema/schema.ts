import { createHash } from 'node:crypto';

/** The types that columns have in Zero's clients. */
export type ColumnType = 'string' | 'number' | 'boolean' | 'json';

/** One column of a table. */
export interface ColumnSchema {
    readonly type: ColumnType;
    /** Whether a row may do without it; it is `null` then. */
    readonly optional: boolean;
}

/** One table, as clients see it. */
export interface TableSchema {
    readonly name: string;
    /** The columns that identify a row, in the order in which they stand in keys. */
    readonly primaryKey: readonly string[];
    readonly columns: ReadonlyMap<string, ColumnSchema>;
}

/** What is published to Zero. */
export interface Schema {
    readonly tables: ReadonlyMap<string, TableSchema>;
    /** Named groups of tables, for zero-caches that want some of them only (`ZERO_APP_PUBLICATIONS`). */
    readonly publications: ReadonlyMap<string, readonly string[]>;
}

/** A zero-cache asks for a publication that the schema does not have. */
export class UnknownPublicationError extends Error {
    override readonly name = 'UnknownPublicationError';
}

/**
 * The tables of some publications; all tables when no publication is named.
 *
 * @throws {UnknownPublicationError}
 */
export function tablesOf(schema: Schema, publications: readonly string[]): ReadonlyMap<string, TableSchema> {
    if (publications.length === 0) {
        return schema.tables;
    }
    const names = publications.flatMap(publication => {
        const tables = schema.publications.get(publication);
        if (tables === undefined) {
            const known = [...schema.publications.keys()].join(', ') || 'none';
            throw new UnknownPublicationError(
                `The publication ${JSON.stringify(publication)} is not in the schema, which has: ${known}.`
            );
        }
        return tables;
    });
    return new Map([...schema.tables].filter(([name]) => names.includes(name)));
}

/**
 * Eight characters that change whenever the tables do.
 *
 * A replica that was made with other tables can't take our rows: a column that it does not know ends zero-cache.
 */
export function fingerprintOf(tables: ReadonlyMap<string, TableSchema>): string {
    const canonical = [...tables.values()]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, primaryKey, columns }) => [
            name,
            primaryKey,
            [...columns]
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([column, { type, optional }]) => [column, type, optional])
        ]);
    return createHash('sha256').update(JSON.stringify(canonical)).digest('base64url').slice(0, 8);
}
