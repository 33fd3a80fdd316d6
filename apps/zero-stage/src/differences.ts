import type { Rows } from './rows.js';

/** A row that one side has and the other hasn't. One that was changed on one side alone makes two of them. */
export interface Difference {
    readonly table: string;
    /** Whether it should be there and isn't, or is there and should not. */
    readonly kind: 'missing' | 'surplus';
    /** As JSON. */
    readonly row: string;
}

/** What is different in `found` from `expected`; the order of rows and columns does not matter. */
export function differences(expected: Rows, found: Rows): Difference[] {
    return (['quake', 'network'] as const).flatMap(table => {
        const missing = new Set(expected[table].map(textOf));
        const surplus = found[table].map(textOf).filter(row => !missing.delete(row));
        return [
            ...[...missing].map(row => ({ table, kind: 'missing', row }) as const),
            ...surplus.map(row => ({ table, kind: 'surplus', row }) as const)
        ];
    });
}

function textOf(row: object): string {
    return JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))));
}
