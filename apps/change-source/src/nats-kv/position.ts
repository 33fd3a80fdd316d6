/** A place in the bucket's history. */
export interface KvPosition {
    /** When the bucket was made: another bucket of the same name counts from 1 again. */
    readonly created: string;
    /** The last sequence that is before it. */
    readonly sequence: number;
    /** When the server stored that one, in ms since the epoch: servers that lost history give its sequences out again. */
    readonly storedAt: number;
}

export function formatPosition({ created, sequence, storedAt }: KvPosition): string {
    return `${created}@${sequence}@${storedAt}`;
}

/** `undefined` when it is no position in a bucket. */
export function parsePosition(position: string): KvPosition | undefined {
    const [, created, sequence, storedAt] = /^([^@]+)@(\d{1,15})@(\d{1,15})$/.exec(position) ?? [];
    return created === undefined || sequence === undefined || storedAt === undefined
        ? undefined
        : { created, sequence: Number(sequence), storedAt: Number(storedAt) };
}
