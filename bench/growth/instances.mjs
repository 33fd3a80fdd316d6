// @ts-check
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { bucketsOf, openStore } from '../shared/nats-clients.mjs';
import { using } from '../shared/using.mjs';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {import('../shared/rounds.mjs').Pass} Pass */
/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/section.mjs').Context} Context */
/** @typedef {import('./instance.mjs').Order} Order */

const INSTANCE = fileURLToPath(new URL('instance.mjs', import.meta.url));
const BUCKET = 'instances';
const WORKS = /** @type {const} */ (['set', 'own-shard', 'one-shard']);

/**
 * How much several processes do together, each with 16 callers.
 *
 * @param {Place} place
 * @param {readonly number[]} counts
 * @param {{ rounds: number, windowMs: number }} settings
 * @param {Context} context
 * @returns {Promise<Part[]>}
 */
export async function growInstances(place, counts, settings, context) {
    const rows = [];
    for (const count of counts) {
        rows.push({ name: String(count), cells: await measureInstances(place, count, settings) });
        context.say(`${count} instances: ${place.label}`);
    }
    const rates = ['set a second', 'tokens a second, a shard each', 'tokens a second, one shard'];
    return [
        {
            kind: 'table',
            name: `by instances: ${place.label}`,
            text: 'All processes together, each with 16 callers, on the machine on which the servers are too.',
            heading: 'instances',
            columns: rates.map(name => ({ name, digits: 0 })),
            rows,
            plots: [{ title: `operations a second by instances: ${place.label}`, y: 'a second', columns: rates }]
        }
    ];
}

/**
 * @param {Place} place
 * @param {number} count
 * @param {{ rounds: number, windowMs: number }} settings
 * @returns {Promise<number[][]>} for each work, how much in each round
 */
function measureInstances(place, count, { rounds, windowMs }) {
    return using(async use => {
        use(await bucketsOf(place, [BUCKET]));
        use(await openStore(place, BUCKET));
        const instances = Array.from({ length: count }, (_, number) => use(startInstance(place, number)));
        await Promise.all(instances.map(({ ready }) => ready));
        const cells = WORKS.map(() => /** @type {number[]} */ ([]));
        for (let round = 0; round <= rounds; round += 1) {
            for (const [index, work] of WORKS.entries()) {
                const passes = await Promise.all(instances.map(instance => instance.run({ work, windowMs })));
                // The first round is the warm-up.
                if (round > 0) {
                    cells[index]?.push(
                        passes.reduce((sum, { done, elapsedMs }) => sum + (done * 1_000) / elapsedMs, 0)
                    );
                }
            }
        }
        return cells;
    });
}

/**
 * @param {Place} place
 * @param {number} number
 */
function startInstance({ url, replicas }, number) {
    const child = fork(INSTANCE, [url, BUCKET, String(replicas), String(number)]);
    const ready = messageOf(child);
    return {
        ready,
        /** @param {Order} order */
        async run(order) {
            child.send(order);
            return /** @type {Pass} */ (await messageOf(child));
        },
        async close() {
            if (child.exitCode === null && child.signalCode === null) {
                const exit = once(child, 'exit');
                child.send('end');
                await exit;
            }
        }
    };
}

/**
 * The next message of a process that does not end before.
 *
 * @param {ChildProcess} child
 */
async function messageOf(child) {
    const ended = new AbortController();
    const onExit = () => ended.abort(new Error('An instance ended before it had told what it did.'));
    child.once('exit', onExit);
    try {
        const [message] = await once(child, 'message', { signal: ended.signal });
        return message;
    } catch (error) {
        throw ended.signal.aborted ? ended.signal.reason : error;
    } finally {
        child.off('exit', onExit);
    }
}
