// @ts-check
import { bucketsOf, openLean, openRaw, openRawWithoutTraces, openStore } from '../shared/nats-clients.mjs';
import { inTurn, wayOf } from '../shared/rounds.mjs';
import { bytesName, callersName, inPlaces, section } from '../shared/section.mjs';
import { using } from '../shared/using.mjs';
import { newWatermarks } from '../shared/watermarks.mjs';

/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/rounds.mjs').Way} Way */
/** @typedef {import('../shared/places.mjs').PlaceName} PlaceName */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {{ callers: number, bytes: number, keys: number }} Load */
/** @typedef {Settings & { loads: Partial<Record<PlaceName, readonly Load[]>> }} SetSettings */

/** Callers never meet on one of so many, and the bucket keeps its size. */
const MANY_KEYS = 10_000;
const small = { bytes: 64, keys: MANY_KEYS };
const hot = { callers: 256, bytes: 64, keys: 1 };

export const set = section({
    name: 'set',
    title: 'Writes',
    text:
        '`set` against what NATS offers without it. All ways store records of the same size under the same keys; the raw ' +
        'ones are given theirs ready made. `core echo` stores nothing: the server passes a message back.',
    settings: {
        full: {
            rounds: 5,
            windowMs: 500,
            warmUpMs: 400,
            loads: {
                single: [
                    ...[1, 16, 256].map(callers => ({ callers, ...small })),
                    ...[1_024, 16_384].map(bytes => ({ callers: 256, bytes, keys: MANY_KEYS })),
                    hot
                ],
                'single-always': [1, 256].map(callers => ({ callers, ...small })),
                cluster: [...[1, 16, 256].map(callers => ({ callers, ...small })), hot],
                'cluster-always': [{ callers: 256, ...small }]
            }
        },
        quick: {
            rounds: 1,
            windowMs: 10,
            warmUpMs: 5,
            loads: {
                single: [
                    { callers: 16, ...small },
                    { ...hot, bytes: 1_024 }
                ],
                cluster: [{ callers: 256, ...small }]
            }
        }
    },
    measure(/** @type {SetSettings} */ { loads, ...settings }, context) {
        const names = /** @type {PlaceName[]} */ (Object.keys(loads));
        return inPlaces(names, context, (place, name) => measureIn(place, loads[name] ?? [], settings, context.say));
    }
});

/**
 * @param {Place} place
 * @param {readonly Load[]} loads
 * @param {Settings} settings
 * @param {(line: string) => void} say
 * @returns {Promise<Part[]>}
 */
function measureIn(place, loads, settings, say) {
    return using(async use => {
        const buckets = use(await bucketsOf(place, ['ours', 'raw', 'untraced', 'lean']));
        const store = use(await openStore(place, 'ours'));
        const raw = use(await openRaw(place, 'raw'));
        const untraced = use(await openRawWithoutTraces(place, 'untraced'));
        use(await openRaw(place, 'lean'));
        const { lean } = use(await openLean(place));
        await buckets.made();
        /** @type {Part[]} */
        const parts = [];
        for (const load of loads) {
            const { callers, bytes, keys } = load;
            const name = `set, ${keys === 1 ? 'one hot key' : 'many keys'}, ${callersName(callers)}, ${bytesName(bytes)}`;
            const next = newWatermarks(load);
            const payload = Buffer.from(JSON.stringify({ format: 1, version: 'v1', data: next().data }));
            /** @type {(name: string, operation: () => Promise<unknown>) => Way} */
            const way = (name, operation) =>
                wayOf(name, callers, operation, { processorMicros: place.processorMicros });
            const ways = [
                way('set', () => {
                    const { key, version, data } = next();
                    return store.watermarks.set(key, version, data);
                }),
                way('@nats-io/kv put', () => raw.kv.put(next().key, payload)),
                way('@nats-io/kv put, noAsyncTraces', () => untraced.kv.put(next().key, payload)),
                way('@nats-io/jetstream publish', () => raw.js.publish(`$KV.raw.${next().key}`, payload)),
                way('lean publisher', () => lean.publish(`$KV.lean.${next().key}`, payload)),
                way('core echo', () => lean.echo(payload))
            ];
            parts.push({
                kind: 'comparison',
                name: `${name}: ${place.label}`,
                unit: 'writes',
                reference: '@nats-io/kv put',
                ways: await inTurn(ways, settings)
            });
            say(`${name}: ${place.label}`);
        }
        return parts;
    });
}
