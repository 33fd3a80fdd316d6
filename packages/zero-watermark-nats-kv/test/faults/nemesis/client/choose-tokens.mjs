// @ts-check
import { movedShard, slotOf } from './moving.mjs';
import { now } from './recorder.mjs';

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../random.mjs').Random} Random */
/** @typedef {import('./memory.mjs').Memory} Memory */
/** @typedef {import('../clients.js').ClientOrder} ClientOrder */

/** Which calls are made how often of shards that live as long as the run. */
const CALLS = {
    watermark: 300,
    watermarks: 80,
    tokenOf: 150,
    resume: 120,
    head: 100,
    beginSync: 20,
    acknowledge: 40,
    provision: 5
};

/** The same of shards that are abandoned, and of those that were moved. */
const ENDING_CALLS = { ...CALLS, acknowledge: 0, provision: 10, abandon: 40, export: 15, clearShards: 8 };
const MOVED_CALLS = { ...ENDING_CALLS, abandon: 15, export: 30, clearShards: 0 };

/** How far back the tokens go that are asked for again: about 50 of them are new in this time. */
const RECENT_TOKENS = 60;

/** Chooses the next calls of a client on the resume tokens, which are shared by all clients. */
export class TokenChooser {
    #made = 0;
    #order;
    #random;
    #memory;

    /**
     * @param {ClientOrder} order
     * @param {Random} random
     * @param {Memory} memory
     */
    constructor(order, random, memory) {
        this.#order = order;
        this.#random = random;
        this.#memory = memory;
    }

    /** A call of a shard that lives as long as the run. */
    next() {
        return this.#callOf(pick(this.#random, this.#shards()), this.#random.weighted(CALLS));
    }

    /** A call of a shard whose watermarks are abandoned, or come from another one. */
    nextEnding() {
        const random = this.#random;
        const moved = slotOf(this.#order) - random.whole(2, 3);
        return moved < 0 || random.chance(0.5)
            ? this.#callOf(pick(random, this.#order.endingShards), random.weighted(ENDING_CALLS))
            : this.#callOf(movedShard(moved, random.whole(0, this.#order.clients - 1)), random.weighted(MOVED_CALLS));
    }

    /**
     * Tokens that no other client asks for, in the order of their making.
     *
     * @param {string} shard
     */
    ownToken(shard) {
        return `${shard}-of-${this.#order.name}-${(this.#made += 1)}`;
    }

    /**
     * @param {string} shard
     * @param {keyof typeof ENDING_CALLS} kind
     * @returns {Call}
     */
    #callOf(shard, kind) {
        const random = this.#random;
        const watermark = this.#memory.watermarkOf(shard, random);
        switch (kind) {
            case 'watermark':
            case 'beginSync':
                return { kind, shard, token: this.#token(shard) };
            case 'watermarks':
                return {
                    kind,
                    shard,
                    tokens: Array.from({ length: random.whole(2, 20) }, () => this.#token(shard))
                };
            case 'head':
            case 'provision':
            case 'abandon':
            case 'export':
                return { kind, shard };
            case 'clearShards':
                return { kind, shards: this.#order.endingShards };
            case 'acknowledge':
                return watermark === undefined || shard !== this.#order.acknowledgedShard
                    ? { kind: 'head', shard }
                    : { kind, shard, watermark };
            case 'tokenOf':
            case 'resume':
                return watermark === undefined ? { kind: 'head', shard } : { kind, shard, watermark };
        }
    }

    /** The shards that are there by now: a new one is made every now and then. */
    #shards() {
        const { shards, shardEveryMs, startedAtMs } = this.#order;
        return shards.slice(0, 2 + Math.floor((now() - startedAtMs) / shardEveryMs));
    }

    /**
     * One of the time that is now, or one that an export had.
     *
     * @param {string} shard
     */
    #token(shard) {
        const known = this.#random.chance(0.3) ? this.#memory.tokenOf(shard, this.#random) : undefined;
        return known ?? `${shard}-${Math.floor(now() / 20) - this.#random.whole(0, RECENT_TOKENS)}`;
    }
}

/**
 * @param {Random} random
 * @param {readonly string[]} list
 */
function pick(random, list) {
    return list[random.whole(0, list.length - 1)] ?? '';
}
