/** A place in the bucket's history. */
export interface KvPosition {
    /** When the bucket was made: another bucket of the same name counts from 1 again. */
    readonly created: string;
    /** The last sequence that is before it. */
    readonly sequence: number;
}

export function formatPosition({ created, sequence }: KvPosition): string {
    return `${created}@${sequence}`;
}

/** `undefined` when it is no position in a bucket. */
export function parsePosition(position: string): KvPosition | undefined {
    const [, created, sequence] = /^([^@]+)@(\d{1,15})$/.exec(position) ?? [];
    return created === undefined || sequence === undefined ? undefined : { created, sequence: Number(sequence) };
}
