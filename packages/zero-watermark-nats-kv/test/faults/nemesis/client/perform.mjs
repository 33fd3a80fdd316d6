// @ts-check

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../../history/history.js').Answer} Answer */
/** @typedef {import('../../history/history.js').State} State */
/** @typedef {import('@cbnsndwch/zero-contracts').WatermarkStore} WatermarkStore */
/** @typedef {import('@cbnsndwch/zero-contracts').Watermark} Watermark */
/** @typedef {import('./view.mjs').CurrentView} CurrentView */

/** @type {Answer} */
const DONE = { kind: 'done' };

/**
 * Makes a call, and puts what it gives into the words of a history.
 *
 * @param {WatermarkStore} store
 * @param {CurrentView} view
 * @param {Call} call
 * @returns {Promise<Answer>}
 */
export async function perform({ watermarks, resumeTokens }, view, call) {
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
        case 'history':
            return { kind: 'revisions', states: (await watermarks.history(call.key)).map(state) };
        case 'watermark':
            return {
                kind: 'watermarks',
                watermarks: [await resumeTokens.getOrCreateWatermark(call.shard, call.token)]
            };
        case 'watermarks':
            return {
                kind: 'watermarks',
                watermarks: await resumeTokens.getOrCreateWatermarks(call.shard, call.tokens)
            };
        case 'provision':
            await resumeTokens.provision([call.shard]);
            return DONE;
        case 'beginSync':
            return { kind: 'watermarks', watermarks: [await resumeTokens.beginSync(call.shard, call.token)] };
        case 'tokenOf':
            return {
                kind: 'token',
                token: (await resumeTokens.getResumeToken(call.shard, call.watermark)) ?? null
            };
        case 'resume': {
            const point = await resumeTokens.resume(call.shard, call.watermark);
            return point.kind === 'resume'
                ? { kind: 'resume', point: 'resume', token: point.resumeToken }
                : { kind: 'resume', point: point.kind === 'initial-sync' ? point.kind : point.reason };
        }
        case 'acknowledge':
            await resumeTokens.acknowledge(call.shard, call.watermark);
            return DONE;
        case 'head': {
            const head = await resumeTokens.head(call.shard);
            return {
                kind: 'head',
                head: head === null ? null : { watermark: head.watermark, token: head.resumeToken }
            };
        }
    }
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
