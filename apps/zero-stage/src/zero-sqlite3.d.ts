declare module '@rocicorp/zero-sqlite3' {
    /** The part of it that is used here. */
    export default class Database {
        constructor(file: string, options: { readonly: boolean; fileMustExist: boolean });
        prepare(sql: string): { get(...values: readonly unknown[]): unknown; all(): unknown[] };
        close(): void;
    }
}
