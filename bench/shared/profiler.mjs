// @ts-check
import { Session } from 'node:inspector/promises';

import { decimal, table } from './markdown.mjs';

/** @typedef {import('node:inspector').Profiler.Profile} Profile */

const SAMPLE_MICROS = 200;
const TOP = 12;
const REST = 'Node and sockets';
const OWNERS = /** @type {const} */ ([
    ['/node_modules/@nats-io/', '@nats-io'],
    ['/packages/zero-', 'this library'],
    ['/bench/', 'the benchmark itself']
]);
const BUILT_IN = new Map([
    ['(garbage collector)', 'garbage collection'],
    ['(idle)', 'idle']
]);

/**
 * Profiles this process while some work is done.
 *
 * @param {() => Promise<unknown>} work
 * @returns {Promise<string[]>} whose the time was, and the functions that took most of it, in Markdown
 */
export async function profiled(work) {
    const session = new Session();
    session.connect();
    try {
        await session.post('Profiler.enable');
        await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS });
        await session.post('Profiler.start');
        await work();
        const { profile } = await session.post('Profiler.stop');
        return linesOf(profile);
    } finally {
        session.disconnect();
    }
}

/** @param {Profile} profile */
function linesOf({ nodes, samples = [], timeDeltas = [] }) {
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    /** @type {Map<string, number>} */
    const owners = new Map();
    /** @type {Map<string, number>} */
    const functions = new Map();
    for (const [index, id] of samples.entries()) {
        const { url, functionName } = frames.get(id) ?? { url: '', functionName: '(program)' };
        const owner = OWNERS.find(([folder]) => url.includes(folder))?.[1] ?? BUILT_IN.get(functionName) ?? REST;
        const file = url === '' ? '' : `, ${url.slice(url.lastIndexOf('/') + 1)}`;
        add(owners, owner, timeDeltas[index + 1]);
        add(functions, `${functionName || '(anonymous)'}${file}`, timeDeltas[index + 1]);
    }
    return [...shares('whose', owners), '', ...shares('function', functions)];
}

/**
 * @param {Map<string, number>} sums
 * @param {string} name
 * @param {number} [micros]
 */
function add(sums, name, micros = 0) {
    sums.set(name, (sums.get(name) ?? 0) + micros);
}

/**
 * @param {string} heading
 * @param {ReadonlyMap<string, number>} micros
 */
function shares(heading, micros) {
    const all = [...micros.values()].reduce((sum, each) => sum + each, 0);
    const largest = [...micros].toSorted(([, a], [, b]) => b - a).slice(0, TOP);
    const rows = largest.map(([name, each]) => [name, decimal((100 * each) / all, 1)]);
    return table([heading, '% of the time'], rows);
}
