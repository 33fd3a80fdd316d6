import { type Deadline, notAfterHead } from '@cbnsndwch/zero-contracts/backend';

import type { NewToken, Placement } from './new-token.js';
import type { ShardEnd } from './shard-end.js';
import { isSyncKey } from './stored-token.js';
import type { PlaceOutcome, TokenLog } from './token-log.js';
import type { PlaceTokens } from './token-queue.js';
import { doubting } from './write-failures.js';

/**
 * Stores tokens only while the shard's head is before them, in the order of the upstream.
 *
 * @param shard its name, for the error
 */
export function placingInUpstreamOrder(
    log: TokenLog,
    shardEnd: ShardEnd,
    shard: string,
    compare: (a: string, b: string) => number
): PlaceTokens {
    return async (tokens, found, deadline) => {
        let inDoubt = false;
        for (let attempt = 0; ; attempt += 1) {
            const { inOrder, isEarly, end }: Split = await doubting(inDoubt, split(tokens, found, deadline));
            const outcome: PlaceOutcome = await doubting(inDoubt, log.place(inOrder, found, deadline, end));
            if (outcome === 'placed') {
                if (!isEarly) {
                    return;
                }
                throw notAfterHead(shard);
            }
            inDoubt ||= outcome === 'in-doubt';
            await doubting(inDoubt, shardEnd.tryAgain(attempt, deadline));
        }
    };

    /** Splits tokens before the first new one that does not come after all that is there. */
    async function split(
        tokens: readonly NewToken[],
        found: Map<string, Placement>,
        deadline: Deadline
    ): Promise<Split> {
        await log.find(tokens, found, deadline);
        const end = (await log.info(deadline)).state.last_seq;
        let head = (await log.last(deadline))?.resumeToken;
        const inOrder: NewToken[] = [];
        for (const token of tokens) {
            const isSync = isSyncKey(token.key);
            if (!found.has(token.key) && head !== undefined && !isSync && compare(token.resumeToken, head) <= 0) {
                return { inOrder, isEarly: true, end };
            }
            inOrder.push(token);
            head = found.has(token.key) ? head : token.resumeToken;
        }
        return { inOrder, isEarly: false, end };
    }
}

/** Tokens that may be stored, whether the one after them may not, and where the stream ended when that was so. */
interface Split {
    readonly inOrder: readonly NewToken[];
    readonly isEarly: boolean;
    readonly end: number;
}
