// @ts-check
import { currentKeys } from './memory.mjs';
import { now } from './recorder.mjs';

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../random.mjs').Random} Random */
/** @typedef {import('./memory.mjs').Memory} Memory */
/** @typedef {import('./view.mjs').CurrentView} CurrentView */
/** @typedef {import('../clients.js').ClientOrder} ClientOrder */

/** Which calls are made how often. */
const CALLS = {
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
    clear: 1,
    exportKeys: 3,
    importKeys: 20
};

/** As many keys as it takes for a store to read them together. */
const NEVER_WRITTEN = Array.from({ length: 32 }, (_, index) => `never-written-${index}`);

/** Chooses the next calls of a client on the watermarks. Values are unique in a run. */
export class WatermarkChooser {
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
    next() {
        const random = this.#random;
        const { registers, advancing } = currentKeys(this.#order);
        const key = pick(random, registers);
        const kind = random.weighted(CALLS);
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
                const all = random.shuffled([...registers, ...advancing]);
                const keys = random.chance(0.25) ? [...all, ...NEVER_WRITTEN] : all.slice(0, random.whole(1, 4));
                const view = this.#view.name;
                return kind === 'view' && view !== undefined ? { kind, view, keys } : { kind: 'getMany', keys };
            }
            case 'clear':
                return { kind };
            case 'importKeys': {
                const keys = random.shuffled(registers).slice(0, random.whole(1, 3));
                const values = Object.fromEntries(keys.map(each => [each, this.#value()]));
                return { kind, values, onConflict: random.chance(0.3) ? 'replace' : 'keep' };
            }
            case 'exportKeys':
            case 'getAll': {
                const before = currentKeys(this.#order, 1);
                return { kind, keys: [...registers, ...advancing, ...before.registers, ...before.advancing] };
            }
        }
    }

    #value() {
        return `${this.#order.name}-${this.#count()}`;
    }

    /** A value that sorts like the time, roughly, so that some are behind what is there. */
    #position() {
        return `${Math.round(now() - this.#random.whole(0, 200))}-${this.#value()}`.padStart(40, '0');
    }

    /** Most clients know where a key is, some are late. */
    #late() {
        return this.#random.chance(0.1) ? this.#random.whole(1, 3) : 0;
    }

    #count() {
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
