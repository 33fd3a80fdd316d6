// @ts-check
import { bucketsOf, isConflict, openRaw, openStore } from '../shared/nats-clients.mjs';
import { inTurn, wayOf } from '../shared/rounds.mjs';
import { callersName, inPlaces, section } from '../shared/section.mjs';
import { using } from '../shared/using.mjs';

/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/rounds.mjs').Way} Way */
/** @typedef {import('../shared/places.mjs').PlaceName} PlaceName */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {Settings & { callers: Partial<Record<PlaceName, readonly number[]>> }} ConditionalSettings */

export const conditional = section({
    name: 'conditional',
    title: 'Conditional writes',
    text:
        'Each caller has a key of its own and goes on from what it wrote last. `@nats-io/kv` has `update`, which is ' +
        '`compareAndSet`; `advance` is there what one writes by hand: get, compare, update, and again if that came too late.',
    settings: {
        full: {
            rounds: 5,
            windowMs: 500,
            warmUpMs: 300,
            callers: { single: [1, 256], cluster: [1, 256] }
        },
        quick: { rounds: 1, windowMs: 10, warmUpMs: 5, callers: { single: [16] } }
    },
    measure(/** @type {ConditionalSettings} */ { callers, ...settings }, context) {
        const names = /** @type {PlaceName[]} */ (Object.keys(callers));
        return inPlaces(names, context, async (place, name) => {
            /** @type {Part[]} */
            const parts = [];
            for (const count of callers[name] ?? []) {
                parts.push(...(await measureIn(place, count, settings)));
                context.say(`${callersName(count)}: ${place.label}`);
            }
            return parts;
        });
    }
});

/**
 * @param {Place} place
 * @param {number} callers
 * @param {Settings} settings
 * @returns {Promise<Part[]>}
 */
function measureIn(place, callers, settings) {
    return using(async use => {
        const buckets = use(await bucketsOf(place, ['ours', 'raw']));
        const { watermarks } = use(await openStore(place, 'ours'));
        const { kv } = use(await openRaw(place, 'raw'));
        await buckets.made();
        /** @type {(name: string, operation: (caller: number) => Promise<unknown>) => Way} */
        const way = (name, operation) => wayOf(name, callers, operation, { processorMicros: place.processorMicros });
        const each = Array.from({ length: callers }, (_, caller) => caller);
        const ours = await Promise.all(each.map(caller => watermarks.create(`cas.${caller}`, 'v0')));
        const theirs = await Promise.all(each.map(caller => kv.create(`cas.${caller}`, 'v0')));
        const compareAndSet = await inTurn(
            [
                way('compareAndSet', async caller => {
                    ours[caller] = await watermarks.compareAndSet(`cas.${caller}`, ours[caller] ?? 0, 'v1', { caller });
                }),
                way('@nats-io/kv update', async caller => {
                    theirs[caller] = await kv.update(`cas.${caller}`, '{"version":"v1"}', theirs[caller] ?? 0);
                })
            ],
            settings
        );
        let version = 0;
        const next = () => (version += 1).toString().padStart(12, '0');
        const advance = await inTurn(
            [
                way('advance', async caller => {
                    const { advanced } = await watermarks.advance(`advance.${caller}`, next());
                    if (!advanced) {
                        throw new Error('advance with a newer version did not advance.');
                    }
                }),
                way('@nats-io/kv get, update', caller => advanceByHand(kv, `advance.${caller}`, next()))
            ],
            settings
        );
        const what = `${callersName(callers)}: ${place.label}`;
        return [
            { kind: 'comparison', name: `compareAndSet, ${what}`, unit: 'writes', ways: compareAndSet },
            { kind: 'comparison', name: `advance, ${what}`, unit: 'writes', ways: advance }
        ];
    });
}

/**
 * What one writes by hand. The answer to `get` may come from a replica that lags, also for the one who wrote last.
 *
 * @param {import('@nats-io/kv').KV} kv
 * @param {string} key
 * @param {string} version
 */
async function advanceByHand(kv, key, version) {
    for (;;) {
        const entry = await kv.get(key);
        if (entry !== null && entry.string() >= version) {
            return;
        }
        try {
            await kv.put(key, version, { previousSeq: entry?.revision ?? 0 });
            return;
        } catch (error) {
            if (!isConflict(error)) {
                throw error;
            }
        }
    }
}
