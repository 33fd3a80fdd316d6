// @ts-check

/** @typedef {<T extends { close: () => unknown }>(thing: T) => T} Use */

/**
 * Runs work that opens things, and closes them afterwards, the last first.
 *
 * @template T
 * @param {(use: Use) => Promise<T>} work `use` takes what is to be closed, and gives it back
 * @returns {Promise<T>}
 */
export async function using(work) {
    /** @type {{ close: () => unknown }[]} */
    const open = [];
    try {
        return await work(thing => {
            open.push(thing);
            return thing;
        });
    } finally {
        for (const thing of open.toReversed()) {
            await thing.close();
        }
    }
}
