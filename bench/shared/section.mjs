// @ts-check

/** @typedef {import('./places.mjs').Places} Places */
/** @typedef {import('./places.mjs').PlaceName} PlaceName */
/** @typedef {import('./servers.mjs').Place} Place */
/** @typedef {import('./results.mjs').Part} Part */
/** @typedef {{ rounds: number }} SectionSettings what every section is told at least */
/**
 * What a section is given. `folder`: a temporary one, on the disk that all measurements share. `skip` notes what can't be
 * measured here, and why.
 *
 * @typedef {{ places: Places, folder: string, say: (line: string) => void, skip: (what: string) => void }} Context
 */
/**
 * A part of the measurements that can be run on its own. `isLong`: it is run only when it is asked for. Its settings are
 * `full`, or `quick`: a moment, to see that everything works.
 *
 * @template {SectionSettings} [S=SectionSettings]
 * @typedef {{ name: string, title: string, text: string, isLong?: boolean, settings: { full: S, quick: S },
 *     measure: (settings: S, context: Context) => Promise<Part[]> }} Section
 */

/**
 * Lets the types of a section's settings be seen by its `measure`, and hides them from the list of all sections.
 *
 * @template {SectionSettings} S
 * @param {Section<S>} section
 * @returns {Section}
 */
export function section(section) {
    return /** @type {Section} */ (/** @type {unknown} */ (section));
}

/**
 * Runs something in each of some places that can be started here.
 *
 * @param {readonly PlaceName[]} names
 * @param {Context} context
 * @param {(place: Place, name: PlaceName) => Promise<Part[]>} run
 */
export async function inPlaces(names, { places, skip }, run) {
    /** @type {Part[]} */
    const parts = [];
    for (const name of names) {
        const place = await places.get(name);
        if (place === undefined) {
            skip(`${name}: the set-up has put no such nats-server in place`);
        } else {
            parts.push(...(await run(place, name)));
        }
    }
    return parts;
}

/** @param {number} callers */
export function callersName(callers) {
    return callers === 1 ? 'one caller' : `${callers} callers`;
}

/** @param {number} bytes */
export function bytesName(bytes) {
    return bytes < 1_024 ? `${bytes} B` : `${bytes / 1_024} KB`;
}
