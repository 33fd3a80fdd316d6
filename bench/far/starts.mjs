// @ts-check
import { bucketsOf, openStore } from '../shared/nats-clients.mjs';
import { newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';

/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {{ name: string, elapsedMs: number }} Step */

/**
 * What it takes an instance until it has opened a store, read for the first time, and has a watermark for a new token or a
 * place to resume.
 *
 * @param {Place} place
 * @param {readonly { roundTripMs: number, place: Place }[]} links
 * @param {number} rounds
 * @returns {Promise<Part>}
 */
export async function measureStarts(place, links, rounds) {
    /** @type {Map<string, number[][]>} by the step, for each link */
    const rows = new Map();
    for (let round = 0; round < rounds; round += 1) {
        for (const [index, link] of links.entries()) {
            const bucket = `start-${index}-${round}`;
            const steps = await using(async use => {
                use(await bucketsOf(place, [bucket]));
                const first = await firstStart(link.place, bucket);
                return [...first.steps, ...(await secondStart(link.place, bucket, first.watermark))];
            });
            for (const { name, elapsedMs } of steps) {
                const row = rows.get(name) ?? links.map(() => []);
                row[index]?.push(elapsedMs);
                rows.set(name, row);
            }
        }
    }
    return {
        kind: 'table',
        name: `start, by round trip: ${place.label}`,
        heading: 'milliseconds',
        columns: links.map(({ roundTripMs }) => ({ name: `${roundTripMs} ms`, digits: 1 })),
        rows: [...rows].map(([name, cells]) => ({ name, cells }))
    };
}

/**
 * @param {Place} place
 * @param {string} bucket
 */
function firstStart(place, bucket) {
    return using(async use => {
        const steps = new Steps();
        const { watermarks, resumeTokens } = use(
            await steps.time('open, bucket not there yet', () => openStore(place, bucket))
        );
        await steps.time('first `get`', () => watermarks.get('orders'));
        const watermark = await steps.time('first token, shard not there yet', () =>
            resumeTokens.getOrCreateWatermark('shard', newTokens('s').next())
        );
        return { steps: steps.taken, watermark };
    });
}

/**
 * @param {Place} place
 * @param {string} bucket
 * @param {string} watermark
 */
function secondStart(place, bucket, watermark) {
    return using(async use => {
        const steps = new Steps();
        const { resumeTokens } = use(await steps.time('open, bucket there', () => openStore(place, bucket)));
        await steps.time('first `resume`', () => resumeTokens.resume('shard', watermark));
        return steps.taken;
    });
}

class Steps {
    /** @type {Step[]} */
    taken = [];

    /**
     * @template T
     * @param {string} name
     * @param {() => Promise<T>} step
     */
    async time(name, step) {
        const began = performance.now();
        const result = await step();
        this.taken.push({ name, elapsedMs: performance.now() - began });
        return result;
    }
}
