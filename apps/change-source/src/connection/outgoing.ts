import type { EncodedTransaction } from './intake.js';

/** One transaction as zero-cache gets it. */
export interface OutgoingTransaction {
    readonly watermark: string;
    readonly messages: readonly string[];
}

/** A watermark is not above what zero-cache has. It would lose the change without a word, so nothing may be sent. */
export class WatermarkOrderError extends Error {
    override readonly name = 'WatermarkOrderError';
}

/**
 * Makes one transaction, or two, of what is to be sent together.
 *
 * zero-cache stores a transaction in its change database after it has passed it on to its replicas. One that crashes in
 * between comes back for it, and its replica must meet the watermark at which it stands, or it is refused for ever. Only
 * the transaction that was sent last can be in that state, because the next one waits for its commit, and its watermark is
 * the shard's head. So when what follows `after` goes past that head, a transaction ends exactly there; it may be empty,
 * because the rows in it may have changed again since.
 *
 * @param watermarks those of the transactions
 * @param after the last watermark that was sent
 * @param head the shard's head when zero-cache connected
 * @throws {WatermarkOrderError}
 */
export function outgoingTransactions(
    transactions: readonly EncodedTransaction[],
    watermarks: readonly string[],
    after: string,
    head: string
): OutgoingTransaction[] {
    let last = after;
    for (const watermark of watermarks) {
        if (watermark <= last) {
            throw new WatermarkOrderError(`A change has the watermark ${watermark}, and is to follow ${last}.`);
        }
        last = watermark;
    }
    if (after >= head || last < head) {
        return [{ watermark: last, messages: transactions.flatMap(({ messages }) => messages) }];
    }
    const inDoubt = watermarks.filter(watermark => watermark <= head).length;
    const [before, rest] = [transactions.slice(0, inDoubt), transactions.slice(inDoubt)];
    return [
        { watermark: head, messages: before.flatMap(({ messages }) => messages) },
        ...(rest.length === 0 ? [] : [{ watermark: last, messages: rest.flatMap(({ messages }) => messages) }])
    ];
}
