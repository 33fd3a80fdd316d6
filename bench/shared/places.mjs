// @ts-check
import { startPlace } from './servers.mjs';

/** @typedef {import('./servers.mjs').Place} Place */
/** @typedef {keyof typeof KINDS} PlaceName */

const KINDS = /** @type {const} */ ({
    single: { role: 'newest', replicas: 1, jetstream: {} },
    'single-always': { role: 'newest', replicas: 1, jetstream: { syncInterval: 'always' } },
    cluster: { role: 'newest', replicas: 3, jetstream: {} },
    'cluster-always': { role: 'newest', replicas: 3, jetstream: { syncInterval: 'always' } },
    oldest: { role: 'oldest', replicas: 1, jetstream: {} }
});

/** The servers of a run. Each kind is started when it is first needed, and then stays: without work it costs nothing. */
export class Places {
    /** @type {Map<PlaceName, Promise<Place | undefined>>} */
    #started = new Map();

    /**
     * @param {PlaceName} name
     * @returns {Promise<Place | undefined>} `undefined` when the set-up has not put such a server in place
     */
    get(name) {
        const { role, replicas, jetstream } = KINDS[name];
        const started = this.#started.get(name) ?? startPlace(role, replicas, jetstream);
        this.#started.set(name, started);
        return started;
    }

    async close() {
        for (const started of this.#started.values()) {
            await (await started.catch(() => undefined))?.stop();
        }
    }
}
