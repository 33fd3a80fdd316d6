// @ts-check
import { bucketsOf, openRaw, openStore } from '../shared/nats-clients.mjs';
import { inTurn, wayOf } from '../shared/rounds.mjs';
import { inPlaces, section } from '../shared/section.mjs';
import { using } from '../shared/using.mjs';
import { fill } from '../shared/watermarks.mjs';

/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/rounds.mjs').Way} Way */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('@nats-io/kv').KV} KV */
/** @typedef {Settings & { keys: readonly number[] }} GetAllSettings */

/** More than that, one by one, takes longer than anybody waits. */
const MOST_ONE_BY_ONE = 10_000;
const AT_ONCE = 256;
const EACH_AT_ONCE = `@nats-io/kv keys, get ${AT_ONCE} at once`;

export const getAll = section({
    name: 'get-all',
    title: 'All watermarks at once',
    text: '`getAll` against what `@nats-io/kv` offers: the keys, and a `get` for each; or a watch until all has been said.',
    settings: {
        full: { rounds: 5, windowMs: 300, warmUpMs: 100, keys: [1_000, 10_000, 100_000] },
        quick: { rounds: 1, windowMs: 10, warmUpMs: 5, keys: [500] }
    },
    measure(/** @type {GetAllSettings} */ { keys, ...settings }, context) {
        return inPlaces(['single'], context, place =>
            using(async use => {
                use(await bucketsOf(place, ['all']));
                const { watermarks } = use(await openStore(place, 'all'));
                const { kv } = use(await openRaw(place, 'all'));
                /** @type {Part[]} */
                const parts = [];
                let filled = 0;
                for (const count of keys) {
                    await fill(watermarks, count, filled);
                    filled = count;
                    const name = `getAll, ${count.toLocaleString('en')} keys: ${place.label}`;
                    const ways = waysOf(place, count, async () => (await watermarks.getAll()).size, kv);
                    parts.push({
                        kind: 'comparison',
                        name,
                        unit: 'keys',
                        reference: EACH_AT_ONCE,
                        ways: await inTurn(ways, settings)
                    });
                    context.say(name);
                }
                return parts;
            })
        );
    }
});

/**
 * @param {Place} place
 * @param {number} count
 * @param {() => Promise<number>} ours
 * @param {KV} kv
 * @returns {Way[]}
 */
function waysOf(place, count, ours, kv) {
    /** @type {(name: string, operation: () => Promise<number>) => Way} */
    const way = (name, operation) => {
        const checked = async () => {
            const found = await operation();
            if (found !== count) {
                throw new Error(`${name} found ${found} of ${count} keys.`);
            }
        };
        return wayOf(name, 1, checked, { size: count, processorMicros: place.processorMicros });
    };
    return [
        way('getAll', ours),
        ...(count <= MOST_ONE_BY_ONE ? [way('@nats-io/kv keys, get each', () => getEach(kv, 1))] : []),
        way(EACH_AT_ONCE, () => getEach(kv, AT_ONCE)),
        way('@nats-io/kv watch', () => watchAll(kv, count))
    ];
}

/**
 * @param {KV} kv
 * @param {number} atOnce
 */
async function getEach(kv, atOnce) {
    /** @type {string[]} */
    const keys = [];
    for await (const key of await kv.keys()) {
        keys.push(key);
    }
    let found = 0;
    const call = async () => {
        for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
            const entry = await kv.get(key);
            found += entry === null ? 0 : 1;
        }
    };
    await Promise.all(Array.from({ length: atOnce }, call));
    return found;
}

/**
 * @param {KV} kv
 * @param {number} count
 */
async function watchAll(kv, count) {
    const entries = await kv.watch();
    const found = new Map();
    for await (const entry of entries) {
        found.set(entry.key, entry.string());
        if (found.size === count) {
            break;
        }
    }
    return found.size;
}
