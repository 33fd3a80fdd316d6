// @ts-check
import { bucketsOf, openLean, openRaw, openRawWithoutTraces, openStore } from '../shared/nats-clients.mjs';
import { inTurn, wayOf } from '../shared/rounds.mjs';
import { bytesName, callersName, inPlaces, section } from '../shared/section.mjs';
import { using } from '../shared/using.mjs';
import { knownKeys, newWatermarks } from '../shared/watermarks.mjs';

/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/rounds.mjs').Way} Way */
/** @typedef {import('../shared/places.mjs').PlaceName} PlaceName */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {{ callers: number, bytes: number }} Load */
/** @typedef {Settings & { keys: number, loads: Partial<Record<PlaceName, readonly Load[]>> }} GetSettings */

export const get = section({
    name: 'get',
    title: 'Reads',
    text:
        'All ways read the same records. `set` is seen at once by a `get` that the leader answers (the default); with ' +
        "`readConsistency: 'any'`, and with a bucket of `@nats-io/kv`, any replica may answer, and may lag.",
    settings: {
        full: {
            rounds: 5,
            windowMs: 500,
            warmUpMs: 400,
            keys: 1_000,
            loads: {
                single: [
                    ...[1, 16, 256].map(callers => ({ callers, bytes: 64 })),
                    ...[1_024, 16_384].map(bytes => ({ callers: 256, bytes }))
                ],
                cluster: [1, 16, 256].map(callers => ({ callers, bytes: 64 }))
            }
        },
        quick: {
            rounds: 1,
            windowMs: 10,
            warmUpMs: 5,
            keys: 100,
            loads: { single: [{ callers: 16, bytes: 64 }], cluster: [{ callers: 256, bytes: 64 }] }
        }
    },
    measure(/** @type {GetSettings} */ { loads, ...settings }, context) {
        const names = /** @type {PlaceName[]} */ (Object.keys(loads));
        return inPlaces(names, context, async (place, name) => {
            /** @type {Part[]} */
            const parts = [];
            for (const load of loads[name] ?? []) {
                parts.push(await measureIn(place, load, settings));
                context.say(parts.at(-1)?.name ?? '');
            }
            return parts;
        });
    }
});

/**
 * @param {Place} place
 * @param {Load} load
 * @param {Settings & { keys: number }} settings
 * @returns {Promise<Part>}
 */
function measureIn(place, { callers, bytes }, { keys, ...settings }) {
    return using(async use => {
        const buckets = use(await bucketsOf(place, ['read']));
        const store = use(await openStore(place, 'read'));
        const near = use(await openStore(place, 'read', { readConsistency: 'any' }));
        const raw = use(await openRaw(place, 'read'));
        const untraced = use(await openRawWithoutTraces(place, 'read'));
        const { lean } = use(await openLean(place));
        await buckets.made();
        const { version, data } = newWatermarks({ bytes })();
        const known = knownKeys(keys);
        await Promise.all(Array.from({ length: keys }, () => store.watermarks.set(known(), version, data)));
        const [leader, direct] = ['$JS.API.STREAM.MSG.GET.KV_read', '$JS.API.DIRECT.GET.KV_read'];
        const payload = Buffer.from(JSON.stringify(data));
        /** @type {(name: string, operation: (key: string) => Promise<unknown>) => Way} */
        const way = (name, operation) => {
            const next = knownKeys(keys);
            const found = async () => {
                if (!(await operation(next()))) {
                    throw new Error(`${name} found nothing.`);
                }
            };
            return wayOf(name, callers, found, { processorMicros: place.processorMicros });
        };
        const ways = [
            way('get', key => store.watermarks.get(key)),
            way("get, readConsistency: 'any'", key => near.watermarks.get(key)),
            way('@nats-io/kv get', key => raw.kv.get(key)),
            way('@nats-io/kv get, noAsyncTraces', key => untraced.kv.get(key)),
            way('lean request to the leader', key =>
                lean.request(leader, JSON.stringify({ last_by_subj: `$KV.read.${key}` }))
            ),
            way('lean direct get', key => lean.request(`${direct}.$KV.read.${key}`, '')),
            way('core echo', () => lean.echo(payload))
        ];
        return {
            kind: 'comparison',
            name: `get, ${callersName(callers)}, ${bytesName(bytes)}: ${place.label}`,
            unit: 'reads',
            reference: '@nats-io/kv get',
            ways: await inTurn(ways, settings)
        };
    });
}
