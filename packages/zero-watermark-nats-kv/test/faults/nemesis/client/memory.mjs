// @ts-check
import { now } from './recorder.mjs';

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../../history/history.js').Answer} Answer */
/** @typedef {import('../../history/history.js').State} State */
/** @typedef {import('../random.mjs').Random} Random */

/** How much is remembered of each sort. A process that runs for an hour must not grow by what it remembers. */
const MOST = 300;
const MOST_SHARDS = 16;

/** What a client has learnt from its calls, from which it makes the next ones. */
export class Memory {
    /** @type {Map<string, number>} */
    #revisions = new Map();
    /** @type {Map<string, string[]>} */
    #watermarks = new Map();
    /** @type {Map<string, string[]>} */
    #tokens = new Map();

    /**
     * @param {Call} call
     * @param {Answer} answer
     */
    learn(call, answer) {
        if ('key' in call) {
            this.#learnOfKey(call.key, answer);
        }
        if (answer.kind === 'states') {
            Object.entries(answer.states).forEach(([key, { revision }]) => this.#note(key, revision));
        }
        if ('shard' in call) {
            if (answer.kind === 'watermarks') {
                this.learnWatermarks(call.shard, answer.watermarks);
            } else if (answer.kind === 'head' && answer.head !== null) {
                this.learnWatermarks(call.shard, [answer.head.watermark]);
            } else if (answer.kind === 'pairs') {
                this.learnWatermarks(
                    call.shard,
                    answer.pairs.map(({ watermark }) => watermark)
                );
                remember(
                    this.#tokens,
                    call.shard,
                    answer.pairs.map(({ token }) => token)
                );
            }
        }
    }

    /**
     * @param {string} shard
     * @param {readonly string[]} watermarks
     */
    learnWatermarks(shard, watermarks) {
        remember(this.#watermarks, shard, watermarks);
    }

    /** @param {string} key */
    revisionOf(key) {
        return this.#revisions.get(key);
    }

    /**
     * A watermark that this client was given or told.
     *
     * @param {string} shard
     * @param {Random} random
     */
    watermarkOf(shard, random) {
        return oneOf(this.#watermarks.get(shard), random);
    }

    /**
     * A resume token that was exported.
     *
     * @param {string} shard
     * @param {Random} random
     */
    tokenOf(shard, random) {
        return oneOf(this.#tokens.get(shard), random);
    }

    /**
     * @param {string} key
     * @param {Answer} answer
     */
    #learnOfKey(key, answer) {
        if (answer.kind === 'revision' || answer.kind === 'advanced') {
            this.#note(key, answer.revision);
        } else if (answer.kind === 'state' && answer.state !== null) {
            this.#note(key, answer.state.revision);
        } else if (answer.kind === 'notAdvanced') {
            this.#note(key, answer.current.revision);
        }
    }

    /**
     * @param {string} key
     * @param {number} revision
     */
    #note(key, revision) {
        this.#revisions.delete(key);
        this.#revisions.set(key, revision);
        const [oldest] = this.#revisions.keys();
        if (this.#revisions.size > MOST && oldest !== undefined) {
            this.#revisions.delete(oldest);
        }
    }
}

/**
 * @param {Map<string, string[]>} known
 * @param {string} shard
 * @param {readonly string[]} learnt
 */
function remember(known, shard, learnt) {
    const before = known.get(shard) ?? [];
    known.delete(shard);
    known.set(shard, [...before, ...learnt].slice(-MOST));
    const [oldest] = known.keys();
    if (known.size > MOST_SHARDS && oldest !== undefined) {
        known.delete(oldest);
    }
}

/**
 * @param {readonly string[] | undefined} known
 * @param {Random} random
 */
function oneOf(known = [], random) {
    return known[random.whole(0, Math.max(0, known.length - 1))];
}

/**
 * The keys that all clients use at this moment: a few, so that they meet; new ones after a while, so that none of them is
 * called more often than can be judged.
 *
 * @param {{ slots: number, generationMs: number }} options
 * @param {number} [back] how many generations ago
 */
export function currentKeys({ slots, generationMs }, back = 0) {
    const generation = Math.floor(now() / generationMs) - back;
    /** @param {string} kind */
    const named = kind => Array.from({ length: slots }, (_, slot) => `${kind}-${slot}-${generation}`);
    return { registers: named('reg'), advancing: named('adv') };
}
