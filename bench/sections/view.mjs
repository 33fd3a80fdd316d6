// @ts-check
import { bucketsOf, openStore } from '../shared/nats-clients.mjs';
import { inARow, inTurn } from '../shared/rounds.mjs';
import { inPlaces, section } from '../shared/section.mjs';
import { using } from '../shared/using.mjs';
import { fill, getting, knownKeys } from '../shared/watermarks.mjs';

/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {Settings & { keys: number }} ViewSettings */

/** Reads of a view that are made before the clock is looked at again. */
const READS_A_LOOK = 1_000;

export const view = section({
    name: 'view',
    title: 'Views',
    text: 'A view is a mirror in the memory of the process, so a read of it costs no round trip.',
    settings: {
        full: { rounds: 5, windowMs: 500, warmUpMs: 300, keys: 10_000 },
        quick: { rounds: 1, windowMs: 10, warmUpMs: 5, keys: 100 }
    },
    measure(/** @type {ViewSettings} */ { keys, ...settings }, context) {
        return inPlaces(['single'], context, async place => {
            /** @type {Part[]} */
            const parts = [];
            await using(async use => {
                use(await bucketsOf(place, ['viewed']));
                const { watermarks } = use(await openStore(place, 'viewed'));
                await fill(watermarks, keys);
                const mirror = use(watermarks.view());
                await mirror.ready;
                const nextKey = knownKeys(keys);
                const readMany = () => {
                    for (let read = 0; read < READS_A_LOOK; read += 1) {
                        if (mirror.get(nextKey()) === null) {
                            throw new Error('The view lacks a watermark that is there.');
                        }
                    }
                    return READS_A_LOOK;
                };
                const ways = [
                    { name: 'view get', run: inARow(readMany) },
                    { name: 'get, one caller', run: getting(watermarks, 1, nextKey) }
                ];
                parts.push({
                    kind: 'comparison',
                    name: `get of a view: ${place.label}`,
                    text: `${keys.toLocaleString('en')} watermarks.`,
                    unit: 'reads',
                    ways: await inTurn(ways, settings)
                });
            });
            return parts;
        });
    }
});
