// @ts-check
import { setTimeout as wait } from 'node:timers/promises';

import { now } from './recorder.mjs';

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../../history/history.js').Answer} Answer */
/** @typedef {import('../clients.js').ClientOrder} ClientOrder */
/** @typedef {import('../random.mjs').Random} Random */

/** How many pairs an import takes in before it has seen the end of an export. */
const BLOCK = 1_000;

/**
 * How many times of moving a run has behind it. In each of them every client moves a shard to a new one, which nobody uses
 * before the time after the next one: whoever has opened a shard does not look again whether it is being imported.
 *
 * @param {Pick<ClientOrder, 'startedAtMs' | 'moveEveryMs'>} order
 */
export function slotOf({ startedAtMs, moveEveryMs }) {
    return Math.floor((now() - startedAtMs) / moveEveryMs);
}

/**
 * Where a client has moved a shard to.
 *
 * @param {number} slot
 * @param {number} index
 */
export function movedShard(slot, index) {
    return `moved-${slot}-${index}`;
}

/**
 * Moves a shard to a new one again and again, until it is told to stop.
 *
 * @param {ClientOrder} order
 * @param {Random} random
 * @param {AbortSignal} stopping
 * @param {(call: Call) => Promise<Answer | undefined>} make `undefined`: it failed
 */
export async function moveShards(order, random, stopping, make) {
    const { endingShards, acknowledgedShard, moveEveryMs, index } = order;
    const rest = (/** @type {number} */ ms) => wait(ms, undefined, { signal: stopping }).catch(() => {});
    // A client that was started anew does not know what the one before it has moved in this time.
    for (let last = slotOf(order); !stopping.aborted;) {
        await rest(random.whole(0, moveEveryMs / 4));
        const slot = slotOf(order);
        if (slot === last) {
            continue;
        }
        last = slot;
        const from = [...endingShards, acknowledgedShard][random.whole(0, endingShards.length)] ?? '';
        const exported = await make({ kind: 'export', shard: from });
        const pairs = exported?.kind === 'pairs' ? exported.pairs : [];
        let isMoved = pairs.length === 0;
        if (pairs.length > BLOCK && random.chance(0.5)) {
            // What comes of a block is stored; nobody ever goes on with it.
            await make({ kind: 'import', shard: movedShard(slot, index), pairs, isCut: true });
            isMoved = true;
        }
        while (!isMoved && !stopping.aborted && slotOf(order) <= slot + 1) {
            isMoved = (await make({ kind: 'import', shard: movedShard(slot, index), pairs })) !== undefined;
            await rest(100);
        }
    }
}
