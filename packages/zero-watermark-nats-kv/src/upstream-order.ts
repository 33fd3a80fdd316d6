import { notAfterHead } from '@cbnsndwch/zero-contracts/backend';

import type { NewToken } from './new-token.js';
import type { ShardEnd } from './shard-end.js';
import { isSyncKey } from './stored-token.js';
import type { TokenLog } from './token-log.js';
import type { PlaceTokens } from './token-queue.js';

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
        for (let attempt = 0; ; attempt += 1) {
            await log.find(tokens, found, deadline);
            const end = (await log.info(deadline)).state.last_seq;
            let head = (await log.last(deadline))?.resumeToken;
            const inOrder: NewToken[] = [];
            let early: NewToken | undefined;
            for (const token of tokens) {
                const isSync = isSyncKey(token.key);
                if (!found.has(token.key) && head !== undefined && !isSync && compare(token.resumeToken, head) <= 0) {
                    early = token;
                    break;
                }
                inOrder.push(token);
                head = found.has(token.key) ? head : token.resumeToken;
            }
            if (await log.place(inOrder, found, deadline, end)) {
                if (early === undefined) {
                    return;
                }
                throw notAfterHead(shard);
            }
            await shardEnd.tryAgain(attempt, deadline);
        }
    };
}
