/** A row that has changed, as it is now; or as it was, when it is gone. */
export interface RowChange<T> {
    readonly kind: 'insert' | 'update' | 'delete';
    readonly row: T;
}

/** What has become of rows; those that are the same objects are the same rows. */
export function changesBetween<T>(
    before: readonly T[],
    after: readonly T[],
    keyOf: (row: T) => string
): RowChange<T>[] {
    const gone = new Map(before.map(row => [keyOf(row), row]));
    const changes: RowChange<T>[] = [];
    for (const row of after) {
        const earlier = gone.get(keyOf(row));
        gone.delete(keyOf(row));
        if (earlier !== row) {
            changes.push({ kind: earlier === undefined ? 'insert' : 'update', row });
        }
    }
    return [...changes, ...[...gone.values()].map(row => ({ kind: 'delete', row }) as const)];
}
