declare module '@rocicorp/zero-sqlite3' {
    /** The part of it that the tests use. */
    export default class Database {
        constructor(file: string, options: { readonly: boolean; fileMustExist: boolean });
        prepare(sql: string): { get(): unknown; all(): unknown[] };
        close(): void;
    }
}
