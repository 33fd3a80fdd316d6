// @ts-check
import { inTurn, wayOf } from '../shared/rounds.mjs';
import { callersName, section } from '../shared/section.mjs';
import { using } from '../shared/using.mjs';
import { knownKeys } from '../shared/watermarks.mjs';
import { etcd } from './etcd.mjs';
import { disk, leanNats, nats, sqlite } from './ours.mjs';
import { postgres } from './postgres.mjs';
import { redis } from './redis.mjs';

/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/rounds.mjs').Way} Way */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/section.mjs').Context} Context */
/** @typedef {import('./system.mjs').System} System */
/** @typedef {Settings & { callers: readonly number[], isDurable: readonly boolean[], known: number }} SystemSettings */

const KEYS = 10_000;
const RECORD = JSON.stringify({ version: 'v1', data: { lastId: 'o-1', count: 25 } });

const kinds = [
    nats('always'),
    leanNats,
    sqlite('full'),
    redis('always'),
    postgres('on'),
    etcd,
    disk,
    nats('default'),
    sqlite('normal'),
    redis('everysec'),
    postgres('off')
];

export const systems = section({
    name: 'systems',
    title: 'Other systems',
    text:
        'Durable: what is acknowledged is on the disk. Each system has one server on the same disk, and one process that ' +
        'calls it with the client that its users have: `ioredis`, which pipelines by itself; `pg`, with 64 connections and ' +
        'a prepared upsert; `etcd3`.',
    settings: {
        full: {
            rounds: 5,
            windowMs: 500,
            warmUpMs: 400,
            callers: [1, 64, 256],
            isDurable: [true, false],
            known: 1_000
        },
        quick: { rounds: 1, windowMs: 10, warmUpMs: 5, callers: [16], isDurable: [true], known: 50 }
    },
    async measure(/** @type {SystemSettings} */ { callers, isDurable, ...settings }, context) {
        /** @type {Part[]} */
        const parts = [];
        for (const durable of isDurable) {
            parts.push(...(await measureThose(durable, callers, settings, context)));
        }
        return parts;
    }
});

/**
 * @param {boolean} isDurable
 * @param {readonly number[]} callers
 * @param {Settings & { known: number }} settings
 * @param {Context} context
 * @returns {Promise<Part[]>}
 */
function measureThose(isDurable, callers, { known, ...settings }, context) {
    return using(async use => {
        /** @type {{ name: string, system: System }[]} */
        const open = [];
        for (const kind of kinds.filter(each => each.isDurable === isDurable)) {
            const system = await kind.open(context, use);
            if (system === undefined) {
                context.skip(`${kind.name}: it is not installed`);
            } else {
                open.push({
                    name: `${kind.name}${system.version === undefined ? '' : ` (${system.version})`}`,
                    system
                });
            }
        }
        const reference = open[0]?.name ?? '';
        const what = isDurable ? 'durable' : 'not durable';
        /** @type {Part[]} */
        const parts = [];
        for (const count of callers) {
            const ways = open.map(({ name, system }) => writing(name, system, count));
            parts.push({
                kind: 'comparison',
                name: `writes, ${what}, ${callersName(count)}`,
                unit: 'writes',
                reference,
                ways: await inTurn(ways, settings)
            });
            context.say(parts.at(-1)?.name ?? '');
        }
        // What a write has cost makes no difference to a read.
        if (isDurable) {
            const count = Math.max(...callers);
            const name = `reads, ${callersName(count)}`;
            const ways = (
                await Promise.all(open.map(({ name: each, system }) => reading(each, system, count, known)))
            ).flat();
            parts.push({ kind: 'comparison', name, unit: 'reads', reference, ways: await inTurn(ways, settings) });
            context.say(name);
        }
        return parts;
    });
}

/**
 * @param {string} name
 * @param {System} system
 * @param {number} callers
 */
function writing(name, { set, processorMicros }, callers) {
    const next = knownKeys(KEYS);
    return wayOf(name, callers, () => set(next(), RECORD), { processorMicros });
}

/**
 * @param {string} name
 * @param {System} system
 * @param {number} callers
 * @param {number} known so many keys there are
 * @returns {Promise<Way[]>} none, where nothing can be read
 */
async function reading(name, { set, get, processorMicros }, callers, known) {
    if (get === undefined) {
        return [];
    }
    const next = knownKeys(known);
    await Promise.all(Array.from({ length: known }, () => set(next(), RECORD)));
    const found = async () => {
        const key = next();
        if (!(await get(key))) {
            throw new Error(`${name} has no ${key}.`);
        }
    };
    return [wayOf(name, callers, found, { processorMicros })];
}
