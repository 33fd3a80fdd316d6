// @ts-check
import { setTimeout as wait } from 'node:timers/promises';

import { now, say } from './recorder.mjs';

/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkService} WatermarkService */
/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkView} WatermarkView */
/** @typedef {import('../clients.js').ClientOrder} ClientOrder */
/** @typedef {import('../random.mjs').Random} Random */

/** The view that a client reads, a new one every now and then. */
export class CurrentView {
    /** @type {{ name: string, view: WatermarkView } | undefined} */
    #current;
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

    /** Under which name it tells; `undefined`: it is not ready. */
    get name() {
        return this.#current?.name;
    }

    /**
     * What it holds of some keys, and how old that may be.
     *
     * @param {readonly string[]} keys
     */
    read(keys) {
        const view = this.#current?.view;
        if (view === undefined) {
            throw new RangeError('there is no view to be read');
        }
        const found = keys.map(key => view.get(key)).filter(watermark => watermark !== null);
        return { found, lagMs: view.lagMs };
    }

    /**
     * Has a view until it is told to stop, after which the last one goes on.
     *
     * @param {Random} random
     * @param {AbortSignal} stopping
     */
    async keep(random, stopping) {
        while (!stopping.aborted) {
            const view = this.#watermarks.view();
            const name = `${this.#order.name}/view-${(this.#made += 1)}`;
            // Failing to be ready is no harm: the servers may be away.
            const isReady = await tellOf(view, name).catch(() => false);
            this.#current = isReady ? { name, view } : undefined;
            await wait(random.whole(0, 4 * this.#order.watchEveryMs), undefined, { signal: stopping }).catch(() => {});
            if (this.#current !== undefined && !stopping.aborted) {
                this.#current = undefined;
                say({ line: 'unwatch', watcher: name, atMs: now() });
                await view.close();
            }
        }
    }
}

/**
 * Tells of all that a view holds once it is ready, and then of all that changes.
 *
 * @param {WatermarkView} view
 * @param {string} watcher
 */
async function tellOf(view, watcher) {
    /** What has changed before it could be told what there is. @type {Set<string> | undefined} */
    let changed = new Set();
    view.on('change', change => {
        const { key, revision } = change.type === 'set' ? change.watermark : change;
        const value = change.type === 'set' ? { value: change.watermark.version } : {};
        changed?.add(key);
        say({ line: 'seen', watcher, atMs: now(), key, revision, ...value });
    });
    await view.ready;
    for (const [key, { revision, version: value }] of view.entries()) {
        if (!changed.has(key)) {
            say({ line: 'seen', watcher, atMs: now(), key, revision, value });
        }
    }
    changed = undefined;
    say({ line: 'watch', watcher, isView: true, atMs: now() });
    return true;
}
