// @ts-check

/**
 * A package in `package-lock.json`.
 *
 * @typedef {{
 *     name?: string, version?: string, license?: string, integrity?: string, link?: boolean, resolved?: string, dev?: boolean,
 *     dependencies?: Record<string, string>, optionalDependencies?: Record<string, string>,
 *     peerDependencies?: Record<string, string>, peerDependenciesMeta?: Record<string, { optional?: boolean }>
 * }} LockedPackage
 */
/** @typedef {{ packages: Readonly<Record<string, LockedPackage>> }} Lock */

/**
 * Where npm has put a package that another one asks for; `undefined`: nowhere, as an optional one may be.
 *
 * @param {Lock} lock @param {string} from the folder of the one that asks @param {string} name @returns {string | undefined}
 */
function find({ packages }, from, name) {
    for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
        const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
        const found = packages[path];
        if (found !== undefined) {
            return found.link === true ? found.resolved : path;
        }
        if (folder === '') {
            return undefined;
        }
    }
}

/**
 * All that is installed with a package of this repository, and so runs with it: what it depends on, and what that depends
 * on. Peers that are optional are not, unless somebody else wants them.
 *
 * @param {Lock} lock @param {string} folder @returns {Map<string, LockedPackage>} by folder
 */
export function closureOf(lock, folder) {
    /** @type {Map<string, LockedPackage>} */
    const closure = new Map();
    const open = [folder];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
        const entry = lock.packages[at] ?? {};
        const { dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta = {} } = entry;
        const peers = Object.keys(peerDependencies).filter(peer => peerDependenciesMeta[peer]?.optional !== true);
        for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
            const path = find(lock, at, name);
            if (path !== undefined && !closure.has(path)) {
                closure.set(path, lock.packages[path] ?? {});
                open.push(path);
            }
        }
    }
    return closure;
}
