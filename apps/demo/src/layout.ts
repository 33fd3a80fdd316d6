import type { Watermark } from '@cbnsndwch/zero-contracts';

/** The key of a network's watermark, and its subject in a stream of NATS. */
export function keyOf(network: string): string {
    return `quakes.${network}`;
}

/** The network of a key or subject that {@link keyOf} made. */
export function networkOf(key: string): string {
    return key.slice(key.indexOf('.') + 1);
}

/** What an instance stores beside the version of a network's watermark. */
export interface Progress {
    /** How many of the network's events come up to this watermark. */
    readonly count: number;
    /** The last of them; empty while there is none. */
    readonly lastId: string;
    /** The instance that works on the network. */
    readonly owner: string;
    /** Grows by one with each change of the owner. */
    readonly term: number;
}

/** Reads what an instance stored. */
export function progressOf(watermark: Watermark): Progress {
    const { count, lastId, owner, term } = watermark.data ?? {};
    if (
        typeof count !== 'number' ||
        typeof lastId !== 'string' ||
        typeof owner !== 'string' ||
        typeof term !== 'number'
    ) {
        throw new Error(
            `The watermark ${watermark.key} should have count, lastId, owner and term in its data, ` +
                `but has ${JSON.stringify(watermark.data)}.`
        );
    }
    return { count, lastId, owner, term };
}
