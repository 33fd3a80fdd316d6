// @ts-check
import { currentKeys } from './memory.mjs';
import { now } from './recorder.mjs';

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../random.mjs').Random} Random */
/** @typedef {import('./memory.mjs').Memory} Memory */
/** @typedef {import('./view.mjs').CurrentView} CurrentView */
/** @typedef {import('../clients.js').ClientOrder} ClientOrder */

/** Which calls are made how often. */
const WATERMARK_CALLS = {
    get: 220,
    set: 150,
    compareAndSet: 170,
    create: 80,
    delete: 60,
    advance: 150,
    getMany: 40,
    history: 30,
    getAll: 5,
    view: 120,
    clear: 1
};
const TOKEN_CALLS = {
    watermark: 300,
    watermarks: 80,
    tokenOf: 150,
    resume: 120,
    head: 100,
    beginSync: 20,
    acknowledge: 40,
    provision: 5
};

/** How far back the tokens go that are asked for again: about 50 of them are new in this time. */
const RECENT_TOKENS = 60;

/** Chooses the next calls of a client. Values are unique in a run; tokens are shared by all clients. */
export class Chooser {
    #made = 0;
    #order;
    #random;
    #memory;
    #view;

    /**
     * @param {ClientOrder} order
     * @param {Random} random
     * @param {Memory} memory
     * @param {CurrentView} view
     */
    constructor(order, random, memory, view) {
        this.#order = order;
        this.#random = random;
        this.#memory = memory;
        this.#view = view;
    }

    /** @returns {Call} */
    watermarkCall() {
        const random = this.#random;
        const { registers, advancing } = currentKeys(this.#order);
        const key = pick(random, registers);
        const kind = random.weighted(WATERMARK_CALLS);
        switch (kind) {
            case 'set':
            case 'create':
                return { kind, key, value: this.#value() };
            case 'compareAndSet': {
                const revision = this.#memory.revisionOf(key);
                return revision === undefined
                    ? { kind: 'get', key }
                    : { kind, key, value: this.#value(), expectedRevision: Math.max(1, revision - this.#late()) };
            }
            case 'advance':
                return random.chance(0.1)
                    ? { kind, key, value: this.#value() }
                    : { kind, key: pick(random, advancing), value: this.#position() };
            case 'delete':
                return { kind, key };
            case 'get':
            case 'history':
                return { kind, key: pick(random, random.chance(0.7) ? registers : advancing) };
            case 'view':
            case 'getMany': {
                const keys = random.shuffled([...registers, ...advancing]).slice(0, random.whole(1, 4));
                const view = this.#view.name;
                return kind === 'view' && view !== undefined ? { kind, view, keys } : { kind: 'getMany', keys };
            }
            case 'clear':
                return { kind };
            case 'getAll': {
                const before = currentKeys(this.#order, 1);
                return { kind, keys: [...registers, ...advancing, ...before.registers, ...before.advancing] };
            }
        }
    }

    /** @returns {Call} */
    tokenCall() {
        const random = this.#random;
        const shard = pick(random, this.#shards());
        const kind = random.weighted(TOKEN_CALLS);
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
                return { kind, shard };
            case 'acknowledge':
                return watermark === undefined || shard !== this.#order.acknowledgedShard
                    ? { kind: 'head', shard }
                    : { kind, shard, watermark };
            case 'tokenOf':
            case 'resume':
                return watermark === undefined ? { kind: 'head', shard } : { kind, shard, watermark };
        }
    }

    /**
     * Tokens that no other client asks for, in the order of their making.
     *
     * @param {string} shard
     */
    ownToken(shard) {
        return `${shard}-of-${this.#order.name}-${this.#next()}`;
    }

    /** The shards that are there by now: a new one is made every now and then. */
    #shards() {
        const { shards, shardEveryMs, startedAtMs } = this.#order;
        return shards.slice(0, 2 + Math.floor((now() - startedAtMs) / shardEveryMs));
    }

    /** @param {string} shard */
    #token(shard) {
        return `${shard}-${Math.floor(now() / 20) - this.#random.whole(0, RECENT_TOKENS)}`;
    }

    #value() {
        return `${this.#order.name}-${this.#next()}`;
    }

    /** A value that sorts like the time, roughly, so that some are behind what is there. */
    #position() {
        return `${Math.round(now() - this.#random.whole(0, 200))}-${this.#value()}`.padStart(40, '0');
    }

    /** Most clients know where a key is, some are late. */
    #late() {
        return this.#random.chance(0.1) ? this.#random.whole(1, 3) : 0;
    }

    #next() {
        return (this.#made += 1);
    }
}

/**
 * @param {Random} random
 * @param {readonly string[]} list
 */
function pick(random, list) {
    return list[random.whole(0, list.length - 1)] ?? '';
}
