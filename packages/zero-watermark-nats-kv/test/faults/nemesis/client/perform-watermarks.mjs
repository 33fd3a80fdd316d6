// @ts-check
import { openMemoryStore } from '@cbnsndwch/zero-contracts/memory';

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../../history/history.js').Answer} Answer */
/** @typedef {import('../../history/history.js').State} State */
/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkService} WatermarkService */
/** @typedef {import('@cbnsndwch/zero-contracts').Watermark} Watermark */
/** @typedef {import('./view.mjs').CurrentView} CurrentView */

/** @type {Answer} */
const DONE = { kind: 'done' };

/**
 * Makes a call of the watermarks, and puts what it gives into the words of a history.
 *
 * @param {WatermarkService} watermarks
 * @param {CurrentView} view
 * @param {Call} call
 * @returns {Promise<Answer>}
 */
export async function performOnWatermarks(watermarks, view, call) {
    switch (call.kind) {
        case 'set':
            await watermarks.set(call.key, call.value);
            return DONE;
        case 'delete':
            await watermarks.delete(call.key);
            return DONE;
        case 'clear':
            await watermarks.clear();
            return DONE;
        case 'create':
            return { kind: 'revision', revision: await watermarks.create(call.key, call.value) };
        case 'compareAndSet':
            return {
                kind: 'revision',
                revision: await watermarks.compareAndSet(call.key, call.expectedRevision, call.value)
            };
        case 'advance': {
            const result = await watermarks.advance(call.key, call.value);
            return result.advanced
                ? { kind: 'advanced', revision: result.revision }
                : { kind: 'notAdvanced', current: state(result.current) };
        }
        case 'get': {
            const found = await watermarks.get(call.key);
            return { kind: 'state', state: found === null ? null : state(found) };
        }
        case 'getMany':
            return { kind: 'states', states: states(await watermarks.getMany(call.keys)) };
        case 'getAll': {
            const all = await watermarks.getAll();
            const wanted = new Set(call.keys);
            return { kind: 'states', states: states([...all].filter(([key]) => wanted.has(key))) };
        }
        case 'view': {
            const { found, lagMs } = view.read(call.keys);
            return { kind: 'viewed', lagMs, states: states(found.map(watermark => [watermark.key, watermark])) };
        }
        case 'exportKeys':
            return { kind: 'states', states: await exported(watermarks, call.keys) };
        case 'importKeys':
            return { kind: 'imported', refused: await imported(watermarks, call.values, call.onConflict) };
        case 'history':
            return { kind: 'revisions', states: (await watermarks.history(call.key)).map(state) };
        default:
            throw new RangeError(`${call.kind} is no call of the watermarks`);
    }
}

/**
 * @param {WatermarkService} watermarks
 * @param {readonly string[]} keys
 */
async function exported(watermarks, keys) {
    const wanted = new Set(keys);
    /** @type {Record<string, State>} */
    const found = {};
    for await (const line of watermarks.exportWatermarks()) {
        const { key, version: value, revision } = JSON.parse(line);
        if (wanted.has(key)) {
            if (key in found) {
                throw new RangeError(`the export has ${key} twice`);
            }
            found[key] = { value, revision };
        }
    }
    return found;
}

/**
 * @param {WatermarkService} watermarks
 * @param {Readonly<Record<string, string>>} values
 * @param {'keep' | 'replace'} onConflict
 */
async function imported(watermarks, values, onConflict) {
    const other = openMemoryStore();
    for (const [key, value] of Object.entries(values)) {
        await other.watermarks.set(key, value);
    }
    const report = await watermarks.importWatermarks(other.watermarks.exportWatermarks(), { onConflict });
    const { created, replaced, alreadyThere, refused, problems } = report;
    const all = Object.keys(values).length;
    if (created + replaced + alreadyThere + refused !== all || problems.length !== refused) {
        throw new RangeError(`the report does not fit ${all} watermarks: ${JSON.stringify(report)}`);
    }
    return problems.map(({ key }) => key);
}

/**
 * @param {Watermark} watermark
 * @returns {State}
 */
function state({ version, revision }) {
    return { value: version, revision };
}

/** @param {Iterable<readonly [string, Watermark]>} found */
function states(found) {
    return Object.fromEntries(Array.from(found, ([key, watermark]) => [key, state(watermark)]));
}
