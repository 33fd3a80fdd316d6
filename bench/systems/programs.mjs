// @ts-check
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where `node bench/systems/fetch.mjs` puts what the system has not. */
export const FETCHED = fileURLToPath(new URL('../../.cache/systems/', import.meta.url));

/** Programs of other systems: on the PATH, where Debian keeps them, or fetched. */
const FOLDERS = [
    ...(process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== ''),
    '/usr/sbin',
    ...postgresFolders(),
    join(FETCHED, 'usr/bin')
];

/**
 * @param {string} name
 * @returns {string | undefined} its path
 */
export function findProgram(name) {
    return FOLDERS.map(folder => join(folder, name)).find(path => existsSync(path));
}

/** The environment for programs that were fetched: their libraries are beside them. */
export function environment() {
    const folder = join(FETCHED, 'usr/lib');
    const libraries = existsSync(folder) ? readdirSync(folder).map(name => join(folder, name)) : [];
    const usual = process.env['LD_LIBRARY_PATH'] ?? '';
    return { ...process.env, LD_LIBRARY_PATH: [...libraries, usual].filter(path => path !== '').join(delimiter) };
}

/** Debian keeps PostgreSQL's programs outside PATH, in a folder for each version. */
function postgresFolders() {
    const folder = '/usr/lib/postgresql';
    const versions = existsSync(folder) ? readdirSync(folder).toSorted((a, b) => Number(b) - Number(a)) : [];
    const chosen = process.env['POSTGRES_BIN'] ?? '';
    return [...(chosen === '' ? [] : [chosen]), ...versions.map(version => join(folder, version, 'bin'))];
}
