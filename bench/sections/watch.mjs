// @ts-check
import { bucketsOf, openRaw, openStore } from '../shared/nats-clients.mjs';
import { inTurn, wayOf } from '../shared/rounds.mjs';
import { inPlaces, section } from '../shared/section.mjs';
import { Told } from '../shared/told.mjs';
import { using } from '../shared/using.mjs';

/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/places.mjs').PlaceName} PlaceName */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {Settings & { watchers: Partial<Record<PlaceName, readonly number[]>> }} WatchSettings */

export const watch = section({
    name: 'watch',
    title: 'Watches',
    text:
        'From a write to the last callback: another instance watches one key many times, the key is written, and the next ' +
        'write waits until all watchers have been told. The percentiles are of that time.',
    settings: {
        full: { rounds: 5, windowMs: 400, warmUpMs: 200, watchers: { single: [1, 100, 1_000], cluster: [1, 100] } },
        quick: { rounds: 1, windowMs: 10, warmUpMs: 5, watchers: { single: [10] } }
    },
    measure(/** @type {WatchSettings} */ { watchers, ...settings }, context) {
        const names = /** @type {PlaceName[]} */ (Object.keys(watchers));
        return inPlaces(names, context, async (place, name) => {
            /** @type {Part[]} */
            const parts = [];
            for (const count of watchers[name] ?? []) {
                parts.push(await measureIn(place, count, settings));
                context.say(parts.at(-1)?.name ?? '');
            }
            return parts;
        });
    }
});

/**
 * @param {Place} place
 * @param {number} count
 * @param {Settings} settings
 * @returns {Promise<Part>}
 */
function measureIn(place, count, settings) {
    return using(async use => {
        const buckets = use(await bucketsOf(place, ['ours', 'raw']));
        const writer = use(await openStore(place, 'ours'));
        const watcher = use(await openStore(place, 'ours'));
        const rawWriter = use(await openRaw(place, 'raw'));
        const rawWatcher = use(await openRaw(place, 'raw'));
        await buckets.made();
        const told = new Told(count);
        const rawTold = new Told(count);
        for (let made = 0; made < count; made += 1) {
            await watcher.watermarks.watch('watched', ({ version }) => told.one(version));
            const entries = await rawWatcher.kv.watch({ key: 'watched' });
            void (async () => {
                for await (const entry of entries) {
                    rawTold.one(entry.string());
                }
            })();
        }
        const { processorMicros } = place;
        const ways = [
            wayOf('watch', 1, () => told.all(version => writer.watermarks.set('watched', version)), {
                size: count,
                processorMicros
            }),
            wayOf('@nats-io/kv watch', 1, () => rawTold.all(version => rawWriter.kv.put('watched', version)), {
                size: count,
                processorMicros
            })
        ];
        return {
            kind: 'comparison',
            name: `watch, ${count === 1 ? 'one watcher' : `${count.toLocaleString('en')} watchers`}: ${place.label}`,
            unit: 'callbacks',
            ways: await inTurn(ways, settings)
        };
    });
}
