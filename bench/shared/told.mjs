// @ts-check

/** Counts the callbacks of one write. */
export class Told {
    #watchers;
    #version = 0;
    #left = 0;
    #complete = () => {};

    /** @param {number} watchers */
    constructor(watchers) {
        this.#watchers = watchers;
    }

    /**
     * Writes the next version, and waits until all watchers have been told of it.
     *
     * @param {(version: string) => Promise<unknown>} write
     */
    async all(write) {
        this.#version += 1;
        this.#left = this.#watchers;
        const complete = new Promise(resolve => (this.#complete = () => resolve(undefined)));
        await write(`v${this.#version}`);
        await complete;
    }

    /** @param {string} version */
    one(version) {
        if (version === `v${this.#version}`) {
            this.#left -= 1;
        }
        if (this.#left === 0) {
            this.#complete();
        }
    }
}
