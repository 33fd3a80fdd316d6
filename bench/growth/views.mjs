// @ts-check
import { heldMegabytes } from '../shared/memory.mjs';
import { openStore } from '../shared/nats-clients.mjs';
import { using } from '../shared/using.mjs';
import { fill } from '../shared/watermarks.mjs';
import { freshServer } from './measuring.mjs';

/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {import('../shared/section.mjs').Context} Context */

/** Metadata of so many characters, beside what a watermark without any takes. */
const TEXT_LENGTHS = [0, 40, 1_000];

/**
 * What a view holds of the memory of its process.
 *
 * @param {readonly number[]} counts
 * @param {Context} context
 * @returns {Promise<Part>}
 */
export async function measureViews(counts, context) {
    const rows = [];
    for (const count of counts) {
        const cells = [];
        for (const length of TEXT_LENGTHS) {
            cells.push(await bytesEach(count, length));
        }
        const name = count.toLocaleString('en');
        rows.push({ name, cells });
        context.say(`a view of ${name} watermarks`);
    }
    return {
        kind: 'table',
        name: 'by watermarks of a view',
        text: 'Bytes of memory that each watermark takes in a view, with metadata of so many characters.',
        heading: 'watermarks',
        columns: TEXT_LENGTHS.map(length => ({
            name: length === 0 ? 'without data' : `${length.toLocaleString('en')} characters`,
            digits: 0
        })),
        rows
    };
}

/**
 * @param {number} count
 * @param {number} textLength
 */
function bytesEach(count, textLength) {
    return using(async use => {
        const { place } = use(await freshServer());
        const writer = use(await openStore(place, 'viewed'));
        const textOf = (/** @type {number} */ index) => `${index}`.padStart(textLength, 'n');
        await fill(writer.watermarks, count, 0, index => (textLength === 0 ? undefined : { note: textOf(index) }));
        const reader = use(await openStore(place, 'viewed'));
        await reader.watermarks.get('none');
        const before = heldMegabytes();
        const view = use(reader.watermarks.view({ maxEntries: count }));
        await view.ready;
        return ((heldMegabytes() - before) * 1e6) / view.size;
    });
}
