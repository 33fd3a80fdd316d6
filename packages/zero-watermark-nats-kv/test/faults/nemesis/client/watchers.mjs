// @ts-check
import { currentKeys } from './memory.mjs';
import { now, say } from './recorder.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkService} WatermarkService */
/** @typedef {import('../clients.js').ClientOrder} ClientOrder */
/** @typedef {import('../random.mjs').Random} Random */

/** How many keys are watched at once; the watcher that was there longest makes room. */
const MOST_WATCHED = 6;

/**
 * Watches everything, from its beginning to the end.
 *
 * @param {WatermarkService} watermarks
 * @param {ClientOrder} order
 */
export async function watchEverything(watermarks, { name }) {
    const watcher = `${name}/all`;
    for await (const event of watermarks.watchAll({ includeCurrent: true })) {
        const atMs = now();
        if (event.type === 'current-complete') {
            say({ line: 'watch', watcher, atMs });
        } else if (event.type === 'set') {
            const { key, revision, version: value } = event.watermark;
            say({ line: 'seen', watcher, atMs, key, revision, value });
        } else {
            say({ line: 'seen', watcher, atMs, key: event.key, revision: event.revision });
        }
    }
}

/** Watches single keys, now this one, now that one. */
export class KeyWatchers {
    /** @type {{ watcher: string, stop: () => void }[]} */
    #active = [];
    #made = 0;
    #watermarks;
    #order;

    /**
     * @param {WatermarkService} watermarks
     * @param {ClientOrder} order
     */
    constructor(watermarks, order) {
        this.#watermarks = watermarks;
        this.#order = order;
    }

    /**
     * Begins to watch another key. Failing to is no harm: the servers may be away.
     *
     * @param {Random} random
     */
    async add(random) {
        const { registers, advancing } = currentKeys(this.#order);
        const watched = random.shuffled([...registers, ...advancing])[0] ?? '';
        const watcher = `${this.#order.name}/${(this.#made += 1)}`;
        const stop = await this.#watermarks.watch(
            watched,
            ({ key, revision, version: value }) => say({ line: 'seen', watcher, atMs: now(), key, revision, value }),
            { onDelete: ({ key, revision }) => say({ line: 'seen', watcher, atMs: now(), key, revision }) }
        );
        say({ line: 'watch', watcher, watched, atMs: now() });
        this.#active.push({ watcher, stop });
        const oldest = this.#active.length > MOST_WATCHED ? this.#active.shift() : undefined;
        if (oldest !== undefined) {
            say({ line: 'unwatch', watcher: oldest.watcher, atMs: now() });
            oldest.stop();
        }
    }
}
