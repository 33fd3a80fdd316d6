import { checkOf } from '@cbnsndwch/zero-contracts/backend';

import { versionToLexi } from '../../../src/store.js';
import { bucketOfShard } from '../../../src/shard-name.js';
import type { Administrator, KeptToken as StoredToken } from '../../support/administrator.js';
import type { History, KeptToken, Observation, State, Watcher } from '../history/history.js';

/** What the servers hold, read from the streams with a plain client. `bucketOf` names the bucket that a shard belongs to. */
export async function readFinalState(
    administrator: Administrator,
    bucket: string,
    shards: readonly string[],
    bucketOf: (shard: string) => string
): Promise<Pick<History, 'finalStates' | 'finalTokens'>> {
    const states = new Map<string, State>();
    for (const { key, version, revision } of await administrator.messagesOf(bucket)) {
        if (version === undefined) {
            states.delete(key);
        } else {
            states.set(key, { value: version, revision });
        }
    }
    const tokens: Record<string, readonly KeptToken[]> = {};
    for (const shard of shards) {
        const kept = await administrator.tokensOf(bucketOfShard(bucketOf(shard), shard));
        tokens[shard] = kept.map(keptToken);
    }
    return { finalStates: Object.fromEntries(states), finalTokens: tokens };
}

/** An imported token has its watermark before it, and a space between; the tokens of a run have none. */
function keptToken({ sequence, token, sync }: StoredToken): KeptToken {
    const [watermark = '', imported] = token.split(' ');
    return imported === undefined
        ? { watermark: versionToLexi(BigInt(sequence) * 4096n + BigInt(checkOf(token))), token, sync }
        : { watermark, token: imported, sync };
}

/** How many final states the watchers that are still there have not been told yet. */
export function untoldStates(
    watchers: readonly Watcher[],
    observations: readonly Observation[],
    finalStates: History['finalStates']
): number {
    const told = new Map<string, Map<string, number>>();
    for (const { watcher, key, revision } of observations) {
        const ofWatcher = told.get(watcher) ?? new Map<string, number>();
        told.set(watcher, ofWatcher.set(key, revision));
    }
    let untold = 0;
    for (const { watcher, watched } of watchers.filter(({ untilMs }) => untilMs === undefined)) {
        for (const [key, { revision }] of Object.entries(finalStates)) {
            // Who watches one key is not told of what was there before.
            const isTold = told.get(watcher)?.get(key) === revision || (watched !== undefined && !told.has(watcher));
            untold += (watched === undefined || watched === key) && !isTold ? 1 : 0;
        }
    }
    return untold;
}
